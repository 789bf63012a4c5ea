// What a hand does on the map: a click, and the question "what is here" by right click, long press or menu key.

const STILL_PX = 5;
const LONG_PRESS_MS = 550;

/** @param on {click(x, y), ask(x, y), askCentre()}: pixels of the map. */
export function listenForPointing(parent, on) {
  let press = null;
  let timer;
  const place = ({ clientX, clientY }) => {
    const box = parent.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  };
  const moved = (event) => Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL_PX;
  const forget = () => {
    clearTimeout(timer);
    press = null;
  };
  // Not deck's own onClick: its recogniser drops a click when a frame takes longer than a quarter of a second.
  parent.addEventListener("pointerdown", (event) => {
    forget();
    if (!event.isPrimary || event.button === 1) return;
    press = { x: event.clientX, y: event.clientY, button: event.button };
    if (event.pointerType !== "touch") return;
    timer = setTimeout(() => {
      forget();
      on.ask(...place(event));
    }, LONG_PRESS_MS);
  });
  parent.addEventListener("pointermove", (event) => press && moved(event) && forget());
  parent.addEventListener("pointercancel", forget);
  parent.addEventListener("pointerup", (event) => {
    if (!press || moved(event)) return forget();
    const { button } = press;
    forget();
    (button === 2 ? on.ask : on.click)(...place(event));
  });
  parent.addEventListener("contextmenu", (event) => event.preventDefault());
  parent.addEventListener("keydown", (event) => {
    if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
    event.preventDefault();
    on.askCentre();
  });
}
