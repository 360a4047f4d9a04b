// Behaviour shared by all pages. Loaded before the page is drawn, so that the chosen theme never flashes.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  if (stored()) root.dataset.theme = stored();

  const toggleTheme = () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Storage can be forbidden; the choice then lasts for this page.
    }
  };

  // Ask in the shared dialog; resolves to the person's answer. `asking` lasts until the answer is sent.
  let asking = false;
  const ask = (question, danger) =>
    new Promise((resolve) => {
      asking = true;
      const dialog = document.getElementById("confirm");
      dialog.querySelector("h2").textContent = question;
      const yes = dialog.querySelector("[value=confirm]");
      yes.classList.toggle("is-danger", danger);
      yes.classList.toggle("is-primary", !danger);
      dialog.returnValue = "";
      const answer = () => {
        resolve(dialog.returnValue === "confirm");
        setTimeout(() => (asking = false));
      };
      dialog.addEventListener("close", answer, { once: true });
      dialog.showModal();
    });
  const isDanger = (element) => Boolean(element.matches(".is-danger") || element.querySelector?.(".is-danger"));

  const leave = (toast) => {
    toast.classList.add("is-leaving");
    setTimeout(() => toast.remove(), 200);
  };
  // Messages of success disappear, unless the pointer or the focus is on them; failures stay until they are dismissed.
  const expire = (toast) => {
    if (toast.dataset.seen || toast.matches(".is-bad, .is-warn")) return;
    toast.dataset.seen = "yes";
    const later = () => setTimeout(() => (toast.matches(":hover, :focus-within") ? later() : leave(toast)), 6000);
    later();
  };
  // Repeated failures of a poll are reported once.
  const failed = () => {
    if (document.querySelector("#toasts [data-failed]")) return;
    const copy = document.getElementById("toast-failed").content.cloneNode(true);
    document.getElementById("toasts").append(copy);
  };

  // Lists use keyset cursors, so a page links to the next one only. The previous address is stored when Next is followed.
  const pagesBefore = () => {
    try {
      return JSON.parse(sessionStorage.getItem("pages")) || {};
    } catch {
      return {};
    }
  };
  const rememberPage = (link) => {
    const entries = Object.entries(pagesBefore()).slice(-200);
    const next = new URL(link.href);
    entries.push([next.pathname + next.search, location.pathname + location.search]);
    try {
      sessionStorage.setItem("pages", JSON.stringify(Object.fromEntries(entries)));
    } catch {
      // Storage can be forbidden; the list then leads back to its start only.
    }
  };
  const showPrevious = () => {
    const before = pagesBefore()[location.pathname + location.search];
    for (const link of document.querySelectorAll("[data-previous]")) {
      link.hidden = !before;
      if (before) link.href = before;
    }
  };

  // The result of the action that led to this page; see foundation/web/flash.py.
  const confirmDone = () => {
    const found = document.cookie.match(/(?:^|; )done=([^;]*)/);
    const template = document.getElementById("toast-done");
    if (!found || !template) return;
    document.cookie = "done=; path=/; max-age=0; samesite=lax";
    const copy = template.content.cloneNode(true);
    copy.querySelector(".notice-title").textContent = decodeURIComponent(found[1]);
    document.getElementById("toasts").append(copy);
  };

  const inWords = (number) => number.toLocaleString(document.documentElement.lang);

  // The button confirms the copy. Where the clipboard is closed to pages, the text is selected instead.
  const copyText = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.querySelector("span").textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(source);
    }
  };

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest?.(selector);
    if (on("[data-theme-toggle]")) toggleTheme();
    const next = on("[data-next]");
    if (next) rememberPage(next);
    const dismiss = on("[data-dismiss]");
    if (dismiss) leave(dismiss.closest("[data-toast]"));
    const copies = on("[data-copy]");
    if (copies) copyText(copies);
    const opener = on("[data-open]");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
    if (event.target.matches?.("dialog")) event.target.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // The text of a chosen file goes into the text field that the form sends.
  document.addEventListener("change", async ({ target }) => {
    const [file] = target.dataset?.fileInto ? target.files : [];
    if (file) document.getElementById(target.dataset.fileInto).value = await file.text();
  });

  // A refused dialog is opened again, with the typed values.
  const reopen = () => {
    for (const dialog of document.querySelectorAll("dialog[data-shown]")) {
      dialog.removeAttribute("data-shown");
      dialog.showModal();
      dialog.querySelector("[aria-invalid]")?.focus();
    }
  };

  document.addEventListener("input", ({ target }) => {
    const counter = target.dataset?.counted && document.getElementById(target.dataset.counted);
    if (!counter) return;
    counter.textContent = target.dataset.text
      .replace("{count}", inWords(target.value.length))
      .replace("{limit}", inWords(target.maxLength));
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (question && !form.dataset.confirmed) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!(await ask(question, isDanger(event.submitter?.dataset.confirm ? event.submitter : form)))) return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(event.submitter);
      delete form.dataset.confirmed;
      return;
    }
    // A second click on a plain form must not post twice.
    const once = form.querySelector("[data-once]");
    if (once) setTimeout(() => (once.disabled = true));
  }, true);

  // A colour field is never empty: choosing a colour ticks the checkbox that enables the field.
  document.addEventListener("input", ({ target }) => {
    const box = target.form?.elements[target.dataset.ticks];
    if (box) box.checked = true;
  }, true);

  // Rows selected for a bulk action: their number, and one checkbox for all of them.
  const rows = (id) => [...document.querySelectorAll(`[data-select][form="${id}"]`)];
  const showSelected = () => {
    for (const all of document.querySelectorAll("[data-select-all]")) {
      const boxes = rows(all.dataset.selectAll);
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      const count = document.querySelector(`[data-selected="${all.dataset.selectAll}"]`);
      if (count) count.textContent = count.dataset.text.replace("{count}", inWords(ticked));
    }
  };
  document.addEventListener("change", ({ target }) => {
    if (target.dataset?.selectAll) {
      for (const box of rows(target.dataset.selectAll)) box.checked = target.checked;
    }
    showSelected();
  });

  // Typed text survives the end of a session: it is stored in this tab during sign-in and restored on its page.
  const TYPED = "typed";
  const fields = () => [...document.querySelectorAll("main form[method=post] :is(input, textarea, select)[name]")];
  const isTyped = (field) =>
    !["hidden", "password", "file"].includes(field.type) && field.form.getAttribute("action") !== "/sign-in";
  const nameOf = (field) =>
    `${field.form.getAttribute("action")} ${field.name} ${field.type === "radio" ? field.value : ""}`;
  const keepTyped = () => {
    const typed = fields().filter(isTyped).map((field) => [nameOf(field), field.checked, field.value]);
    try {
      if (typed.length) sessionStorage.setItem(TYPED, JSON.stringify({ page: location.pathname, typed }));
    } catch {
      // Storage can be forbidden; the page then comes back as it was.
    }
  };
  const restoreTyped = () => {
    try {
      const saved = JSON.parse(sessionStorage.getItem(TYPED) || "null");
      if (!saved) return;
      if (document.querySelector("form[action='/sign-in']")) {
        const expired = saved.expired || new URLSearchParams(location.search).has("expired");
        if (expired) sessionStorage.setItem(TYPED, JSON.stringify({ ...saved, expired }));
        else sessionStorage.removeItem(TYPED);
        return;
      }
      sessionStorage.removeItem(TYPED);
      if (!saved.expired || saved.page !== location.pathname) return;
      for (const field of fields().filter(isTyped)) {
        const [, checked, value] = saved.typed.find(([name]) => name === nameOf(field)) || [];
        if (value === undefined) continue;
        if (["radio", "checkbox"].includes(field.type)) field.checked = checked;
        else field.value = value;
        const dialog = field.closest("dialog");
        if (dialog && value && !dialog.open) dialog.showModal();
      }
    } catch {
      // The stored text is not readable.
    }
  };
  document.addEventListener("submit", ({ target }) => {
    const action = target.getAttribute("action") || "";
    if (target.method === "post" && !action.startsWith("/sign-")) keepTyped();
  });
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (detail.xhr.getResponseHeader("HX-Redirect")?.startsWith("/sign-in")) keepTyped();
  });

  document.addEventListener("htmx:confirm", async (event) => {
    const question = event.detail.question;
    if (!question) return;
    event.preventDefault();
    if (await ask(question, isDanger(event.detail.elt))) event.detail.issueRequest(true);
  });

  const polls = (part) => part.getAttribute("hx-trigger")?.includes("every");

  // A hidden tab does not poll; it refreshes once it is visible again.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    // Nor does a list with selected rows or typed text: a refresh would lose both.
    const ticked = elt.querySelector("[data-select]:checked, input[type=text]:focus, [data-hold][open]");
    if ((document.hidden || elt.dataset.stopped || ticked) && polls(elt)) event.preventDefault();
  });

  // A pressed element is not replaced until it is released: otherwise its click would be lost. The next poll replaces it.
  let pressed = null;
  document.addEventListener("pointerdown", (event) => (pressed = event.target), true);
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(() => (pressed = null)), true); // the click comes right after
  }
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    // The form behind an open dialog stays, too: a form removed from the page cannot be submitted.
    const isInUse = asking || document.querySelector("dialog[open]") || (pressed && detail.target.contains(pressed));
    if (isInUse && polls(detail.requestConfig.elt)) detail.shouldSwap = false;
  });

  // Input from before htmx processed the form, such as right after the page appeared, is handled as typed now.
  const isChanged = (field) =>
    field.options
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : "defaultValue" in field &&
        (field.checked !== field.defaultChecked || field.value.toLowerCase() !== field.defaultValue.toLowerCase());
  document.addEventListener("htmx:afterProcessNode", ({ target }) => {
    if (!target.matches("form[hx-trigger^=input]")) return;
    [...target.elements].find(isChanged)?.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // A replaced part keeps the focus and its open details; htmx itself restores the focus of elements with ids only.
  const place = (stop) =>
    stop.id || stop.getAttribute("href") || stop.dataset.open || `${stop.closest("[id]")?.id} ${stop.localName}`;
  let kept = { focus: "", open: [] };
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    const focused = target.id !== "main" && target.contains(document.activeElement);
    const open = [...target.querySelectorAll("details[open] > summary")].map(place);
    kept = { focus: focused ? place(document.activeElement) : "", open };
  });
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    for (const stop of target.querySelectorAll("a[href], button, summary")) {
      if (stop.localName === "summary" && kept.open.includes(place(stop))) stop.parentElement.open = true;
      if (!kept.focus || kept.focus !== place(stop)) continue;
      kept.focus = "";
      stop.focus({ preventScroll: true });
    }
  });
  document.addEventListener("htmx:responseError", ({ detail }) => {
    const { status } = detail.xhr;
    const gone = [401, 403, 404, 410].includes(status);
    if (gone && polls(detail.elt)) detail.elt.dataset.stopped = "yes"; // another request would not help
    // A link opens the page with the reason, instead of doing nothing.
    if (detail.requestConfig.boosted && detail.requestConfig.verb === "get" && gone) {
      location.assign(detail.pathInfo.finalRequestPath);
      return;
    }
    failed();
  });
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:afterSettle", (event) => {
    confirmDone();
    showPrevious();
    showSelected();
    document.querySelectorAll("[data-toast]").forEach(expire);
    reopen();
    const { target } = event.detail;
    const fresh = target?.isConnected ? target : event.target; // outerHTML leaves the old target behind
    const wanted = fresh?.querySelector?.("[data-focus]") || (target?.id === "main" ? target : null);
    wanted?.focus({ preventScroll: true });
  });
  // Passkeys: the browser's answer goes into the form, which is then sent as any other.
  const fromText = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const askPasskey = async (form) => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = fromText(options.challenge);
    if (options.user) options.user.id = fromText(options.user.id);
    for (const known of options.excludeCredentials || []) known.id = fromText(known.id);
    const { id, rawId, type, response } = await navigator.credentials[form.dataset.passkey]({ publicKey: options });
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const sent = Object.fromEntries(parts.filter((name) => response[name]).map((name) => [name, toText(response[name])]));
    return JSON.stringify({ id, rawId: toText(rawId), type, response: sent });
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form || form.elements.credential.value) return;
    event.preventDefault();
    const problem = document.querySelector("[data-passkey-problem]");
    problem.hidden = true;
    try {
      form.elements.credential.value = await askPasskey(form);
    } catch {
      problem.hidden = false;
      return;
    }
    form.requestSubmit();
  });
  // The values of a chart at the pointer.
  document.addEventListener("pointerover", ({ target }) => {
    const band = target.closest?.(".band");
    const readout = band?.closest("figure")?.querySelector(".readout");
    if (readout) readout.textContent = band.querySelector("title").textContent.split("\n").join(" · ");
  });
  document.addEventListener("DOMContentLoaded", () => {
    confirmDone();
    showPrevious();
    showSelected();
    document.querySelectorAll("[data-toast]").forEach(expire);
    document.querySelector("[data-focus]")?.focus();
    reopen();
    restoreTyped();
    matchMedia("(min-width: 56rem)").addEventListener("change", () => document.getElementById("sidebar")?.hidePopover?.());
  });
})();
