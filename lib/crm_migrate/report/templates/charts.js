// Draws the charts of a page from the JSON that lies beside them, in the reader's light or dark, and in light for print.
(() => {
  "use strict";
  const PAPER = 640; // pixels between the margins of a sheet of A4 or Letter, whatever the window is
  const plots = [...document.querySelectorAll(".plot")].map((place) => {
    const given = JSON.parse(place.querySelector("script").textContent);
    return { place, given };
  });
  const draw = (width) => {
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue("--" + name).trim();
    for (const { place, given } of plots) {
      const layout = structuredClone(given.layout);
      const wide = width && Math.max(width, parseInt(place.style.minWidth) || 0);
      layout.width = wide;
      place.style.zoom = wide ? width / wide : "";
      const base = layout.template.layout;
      base.font.color = token("ink");
      base.paper_bgcolor = base.plot_bgcolor = token("paper");
      for (const note of layout.annotations || []) if (!note.font?.color) note.font = { ...note.font, color: token("ink") };
      for (const axis of [base.xaxis, base.yaxis]) {
        axis.gridcolor = axis.linecolor = axis.zerolinecolor = token("line");
        axis.title.font.color = token("soft");
      }
      Plotly.react(place, given.data, layout, { displayModeBar: false, responsive: true });
    }
  };
  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => {
      for (const { place } of plots) if (details.contains(place)) Plotly.Plots.resize(place);
    });
  }
  draw();
  document.addEventListener("crm-theme", () => draw());
  let theme;
  const anew = (chosen, width) => {
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    for (const { place } of plots) Plotly.purge(place); // what is drawn again moves to its place, and paper does not wait
    draw(width);
  };
  addEventListener("beforeprint", () => {
    theme = document.documentElement.dataset.theme;
    anew("light", PAPER);
  });
  addEventListener("afterprint", () => anew(theme));
})();
