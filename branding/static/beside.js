// The row with the focus opens beside its list. Where the window is too narrow for both, its link opens the page.
(() => {
  "use strict";
  const wide = matchMedia("(min-width: 75rem)");
  const panel = () => document.querySelector("[data-beside] > [data-panel]");
  const rowOf = (element) => element?.closest?.("[data-beside] tbody tr");
  const linkOf = (row) => row?.querySelector("a[data-card]");
  const mark = () => {
    const of = panel()?.dataset.of;
    if (!of) return;
    for (const link of document.querySelectorAll("[data-beside] a[data-card]")) {
      link.closest("tr").classList.toggle("is-open", link.dataset.card === of);
    }
  };

  let waiting;
  const open = (card) => {
    const beside = panel();
    if (!beside || !wide.matches || beside.dataset.of === card) return;
    beside.dataset.of = card;
    mark();
    htmx.ajax("GET", card, { target: beside, swap: "innerHTML" });
    beside.scrollTop = 0;
  };
  const openSoon = (row) => {
    const link = linkOf(row);
    clearTimeout(waiting);
    if (link) waiting = setTimeout(() => open(link.dataset.card), 120);
  };
  document.addEventListener("focusin", ({ target }) => openSoon(rowOf(target)));
  document.addEventListener("click", ({ target }) => {
    const row = rowOf(target);
    if (!row || !wide.matches || target.closest("a, button, input, label, select, summary")) return;
    if (!getSelection().toString()) linkOf(row)?.focus();
  });
  document.addEventListener("htmx:afterSwap", mark);
})();
