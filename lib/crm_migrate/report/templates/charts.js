// Draws the charts of a page from the JSON that lies beside them, in the reader's light or dark, and in light for print.
(() => {
  "use strict";
  const plots = [...document.querySelectorAll(".plot")].map((place) => {
    const given = JSON.parse(place.querySelector("script").textContent);
    return { place, given };
  });
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue("--" + name).trim();
    for (const { place, given } of plots) {
      const layout = structuredClone(given.layout);
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
  document.addEventListener("crm-theme", draw);
  addEventListener("beforeprint", draw);
  addEventListener("afterprint", draw);
})();
