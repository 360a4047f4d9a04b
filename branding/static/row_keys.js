// Single keys on a list of rows, where the page allows them (WCAG 2.1.4): the focus moves among the rows' own links.
(() => {
  "use strict";
  const list = () => document.querySelector("[data-row-keys]");
  const links = () => [...list().querySelectorAll("tbody tr td.lead a[id]")];
  const current = () => document.activeElement?.closest?.("[data-row-keys] tbody tr");

  const move = (step) => {
    const stops = links();
    const at = stops.findIndex((link) => link.closest("tr") === current());
    const next = at < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(Math.max(at + step, 0), stops.length - 1);
    stops[next]?.focus();
    stops[next]?.closest("tr").scrollIntoView({ block: "nearest" });
  };
  const tick = () => current()?.querySelector("[data-select]")?.click();
  const nameOf = (row) => row.querySelector("td.lead").nextElementSibling.textContent.trim();

  // Opens the dialog for the ticked approvals, or the one with the focus. Its form gets their ids.
  const ask = (id) => {
    const dialog = document.getElementById(id);
    const ticked = [...list().querySelectorAll("tr:has([data-select]:checked)")];
    const rows = (ticked.length ? ticked : [current()]).filter((row) => row?.querySelector("[data-approval]"));
    if (!dialog || !rows.length) return;
    for (const old of dialog.querySelectorAll("input[name=id]")) old.remove();
    for (const row of rows) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "id" });
      field.value = row.querySelector("[data-approval]").dataset.approval;
      dialog.querySelector("form").append(field);
    }
    const texts = rows.map((row) => `${row.querySelector("td.lead a").textContent.trim()}: ${nameOf(row)}`);
    dialog.querySelector("[data-key-subject]").textContent = texts.join(", ");
    dialog.showModal();
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    x: tick,
    a: () => ask("key-approve"),
    d: () => ask("key-decline"),
    "?": () => document.getElementById("key-help")?.showModal(),
  };

  const isTyping = (element) =>
    element.isContentEditable ||
    element.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
  document.addEventListener("keydown", (event) => {
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!list() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    act();
  });
})();
