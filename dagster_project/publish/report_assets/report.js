(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var names = Object.keys(figures);
  var config = { displayModeBar: false, responsive: true, plotlyServerURL: "", showTips: false };

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function theme() {
    var ink = colour("--ink"), soft = colour("--soft"), line = colour("--line");
    var surface = colour("--surface");
    var axis = { gridcolor: line, zerolinecolor: soft, linecolor: line, tickcolor: line };
    return {
      "paper_bgcolor": "rgba(0,0,0,0)",
      "plot_bgcolor": "rgba(0,0,0,0)",
      "font.color": ink,
      "font.family": getComputedStyle(document.body).fontFamily,
      "font.size": 12,
      "hoverlabel.bgcolor": surface,
      "hoverlabel.bordercolor": line,
      "hoverlabel.font.color": ink,
      "hoverlabel.align": "left",
      axis: axis,
      soft: soft
    };
  }

  function paint(layout, look) {
    layout.paper_bgcolor = look["paper_bgcolor"];
    layout.plot_bgcolor = look["plot_bgcolor"];
    layout.font = { color: look["font.color"], family: look["font.family"], size: 12 };
    layout.hoverlabel = {
      bgcolor: look["hoverlabel.bgcolor"],
      bordercolor: look["hoverlabel.bordercolor"],
      font: { color: look["hoverlabel.font.color"], size: 13 },
      align: "left"
    };
    layout.autosize = true;
    ["xaxis", "yaxis"].forEach(function (key) {
      var axis = layout[key] = layout[key] || {};
      Object.assign(axis, look.axis);
      axis.automargin = true;
      if (axis.title) { axis.title.font = { color: look.soft, size: 12 }; }
    });
    (layout.annotations || []).forEach(function (note) { note.font.color = look.soft; });
    return layout;
  }

  function draw() {
    var look = theme();
    names.forEach(function (name) {
      var figure = figures[name];
      Plotly.react(name, figure.data, paint(figure.layout, look), config);
    });
  }

  function toggle(button) {
    var show = button.getAttribute("aria-pressed") !== "true";
    var provider = Number(button.dataset.provider);
    button.setAttribute("aria-pressed", String(show));
    names.forEach(function (name) {
      figures[name].data.forEach(function (trace) {
        if (trace.meta && trace.meta.provider === provider) { trace.visible = show; }
      });
    });
    draw();
  }

  document.querySelectorAll(".key").forEach(function (button) {
    button.addEventListener("click", function () { toggle(button); });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  document.documentElement.dataset.drawn = String(names.length);
})();
