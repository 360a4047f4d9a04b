// The dialog to search and go to a page: opened by its button or Ctrl-K, moved through with the arrow keys.
(() => {
  "use strict";
  const palette = () => document.getElementById("palette");
  const input = () => palette().querySelector("[data-palette-input]");
  const items = () => [...palette().querySelectorAll(".palette-item")].filter((item) => !item.hidden);

  const filter = () => {
    const wanted = input().value.trim().toLocaleLowerCase();
    for (const entry of palette().querySelectorAll("[data-palette-entry]")) {
      entry.hidden = !entry.textContent.toLocaleLowerCase().includes(wanted);
    }
  };
  const open = () => {
    if (palette().open) return;
    document.getElementById("sidebar")?.hidePopover?.();
    palette().showModal();
    input().select();
    filter();
  };
  const move = (step) => {
    const stops = [input(), ...items()];
    const next = stops.indexOf(document.activeElement) + step;
    stops[(next + stops.length) % stops.length].focus();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-palette-open]")) open();
    else if (event.target.closest?.(".palette-item")) palette().close();
  });
  document.addEventListener("input", ({ target }) => {
    if (target.matches("[data-palette-input]")) filter();
  });
  document.addEventListener("keydown", (event) => {
    if (!palette()) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    } else if (palette().open && event.key === "ArrowDown") {
      event.preventDefault();
      move(1);
    } else if (palette().open && event.key === "ArrowUp") {
      event.preventDefault();
      move(-1);
    } else if (palette().open && event.key === "Enter" && event.target === input()) {
      event.preventDefault();
      items()[0]?.click();
    }
  });
})();
