// Light or dark as the reader's system has it, until the reader chooses on the page; the choice is kept where it can be.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = (act) => {
    try {
      return act(localStorage);
    } catch {
      return null; // a page opened from disk may not be allowed to keep anything
    }
  };
  const chosen = kept((store) => store.getItem("crm-theme"));
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    const other = () => (now() === "dark" ? "light" : "dark");
    const say = () => {
      button.textContent = other() === "dark" ? "Dark" : "Light";
      button.setAttribute("aria-label", `Show this page in ${other()} colours`);
    };
    const changed = () => {
      say();
      document.dispatchEvent(new Event("crm-theme"));
    };
    button.addEventListener("click", () => {
      root.dataset.theme = other();
      kept((store) => store.setItem("crm-theme", root.dataset.theme));
      changed();
    });
    dark.addEventListener("change", changed);
    button.hidden = false;
    say();
  });
})();
