// The language switch, remembered in the address (#ko, #ko/data), and the values under the pointer.
(function () {
  "use strict";
  var root = document.documentElement;

  function parts() {
    var hash = location.hash.slice(1), match = /^(en|ko)(?:\/([a-z]+))?$/.exec(hash);
    return match ? { lang: match[1], id: match[2] } : { lang: root.dataset.default, id: hash };
  }

  function show() {
    var at = parts(), target = at.id && document.getElementById(at.id);
    root.lang = root.dataset.lang = at.lang;
    document.querySelectorAll("[data-set]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.set === at.lang));
    });
    document.querySelectorAll("title[data-ko]").forEach(function (title) {
      title.textContent = title.getAttribute("data-" + at.lang);
    });
    if (target) target.scrollIntoView();
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-set]"), link = event.target.closest("[data-go]");
    if (button) {
      history.replaceState(null, "", "#" + button.dataset.set);
      show();
    } else if (link) {
      event.preventDefault();
      location.hash = parts().lang + "/" + link.dataset.go;
      show();
    }
  });
  window.addEventListener("hashchange", show);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) { one.open = true; });
  });

  document.querySelectorAll("svg.line").forEach(function (svg) {
    var x0 = +svg.dataset.x0, x1 = +svg.dataset.x1, last = +svg.dataset.n;
    var cursor = svg.querySelector(".cursor");
    var curves = Array.prototype.map.call(svg.querySelectorAll(".curve"), function (g) {
      return { x: g.dataset.x.split(" ").map(Number), y: g.dataset.y.split(" ") };
    });
    function say(key, text) {
      svg.querySelectorAll('.at[data-at="' + key + '"]').forEach(function (span) { span.textContent = " " + text; });
    }
    svg.addEventListener("pointermove", function (event) {
      var box = svg.getBoundingClientRect();
      var px = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      var epoch = 1 + Math.min(Math.max((px - x0) / (x1 - x0), 0), 1) * (last - 1);
      var all = curves[0].x, nearest = all.reduce(function (best, x) {
        return Math.abs(x - epoch) < Math.abs(best - epoch) ? x : best;
      }, all[0]);
      var at = x0 + (nearest - 1) / (last - 1) * (x1 - x0);
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      svg.classList.add("read");
      say("x", nearest);
      curves.forEach(function (curve, index) {
        var i = curve.x.indexOf(nearest);
        if (i < 0) i = curve.x.findIndex(function (x) { return x >= nearest; });
        say(index, i < 0 ? "" : curve.y[i]);
      });
    });
    svg.addEventListener("pointerleave", function () {
      svg.classList.remove("read");
      say("x", "");
      curves.forEach(function (_, index) { say(index, ""); });
    });
  });

  show();
})();
