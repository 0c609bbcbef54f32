/** The wheel with Ctrl zooms around the pointer; without, it scrolls the page. A pinch on a touchpad comes as such a wheel. */

/** Factor of the width for a wheel that is turned by 100 px. */
const PER_NOTCH = 1.25;

/**
 * @param {uPlot} plot
 * @param {Pick<import("../../model/navigation.js").Navigation, "scale">} go
 */
export function attachWheel(plot, go) {
  plot.over.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const x = event.clientX - plot.over.getBoundingClientRect().left;
      const turned = Math.max(-200, Math.min(200, event.deltaMode === 0 ? event.deltaY : event.deltaY * 33));
      go.scale(PER_NOTCH ** (turned / 100), plot.posToVal(x, "x"));
    },
    { passive: false },
  );
}
