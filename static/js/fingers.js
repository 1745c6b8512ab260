// Two fingers on the screen. A pinch makes the picture larger or smaller; moving both moves a picture that is larger than
// its pane, and turns the machine's mouse wheel where it is not. One finger stays noVNC's: tap, long press, drag;
// a tap of two fingers is the right button, of three the middle one.

const OURS = ["gesturestart", "gesturemove", "gestureend"];

export class Fingers {
  constructor(pane, view) {
    this.view = view;
    this.hold = null;
    // noVNC tells gestures to its canvas; what is taken here does not get there.
    for (const name of OURS) pane.addEventListener(name, (event) => this.feel(event), true);
  }

  feel(event) {
    const { type, clientX: x, clientY: y, magnitudeX, magnitudeY } = event.detail;
    if (event.type === "gesturestart") this.hold = this.take(type, magnitudeX, magnitudeY);
    if (!this.hold) return;
    event.stopPropagation();
    if (event.type === "gesturemove") this.move(x, y, magnitudeX, magnitudeY);
    if (event.type === "gestureend") this.hold = null;
  }

  take(type, x, y) {
    if (type === "pinch") return { type, zoom: this.view.zoom, apart: Math.hypot(x, y) || 1 };
    if (type === "twodrag" && this.view.isLarger) return { type, x, y };
    return null;
  }

  move(x, y, magnitudeX, magnitudeY) {
    const hold = this.hold;
    if (hold.type === "pinch") {
      this.view.zoomTo((hold.zoom * Math.hypot(magnitudeX, magnitudeY)) / hold.apart, { x, y });
    } else {
      this.view.panBy(hold.x - magnitudeX, hold.y - magnitudeY);
      Object.assign(hold, { x: magnitudeX, y: magnitudeY });
    }
  }
}
