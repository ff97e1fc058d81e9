// A dialog in the middle, or a drawer at the side: the browser keeps the focus in it and closes it
// with Escape.
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { question, reply } from "../state/ask.js";
import { layers } from "../state/notice.js";
import { Notices } from "./notices.jsx";

export function Dialog({ title, onClose, isDrawer = false, children }) {
  const element = useRef();
  const name = useId();
  useEffect(() => {
    element.current.showModal();
    layers.value = [...layers.value, name];
    return () => (layers.value = layers.value.filter((layer) => layer !== name));
  }, []);
  const outside = (event) => event.target === element.current && element.current.close();
  return (
    <dialog ref={element} class={isDrawer ? "drawer" : "dialog"} aria-labelledby={name} onClose={onClose} onClick={outside}>
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={name}>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={() => element.current.close()}>
            <Icon name="close" />
          </button>
        </header>
        {children}
        <Notices layer={name} />
      </div>
    </dialog>
  );
}

/** Asks what [ask] wants to know. */
export function Question() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog key={asked.title} title={asked.title} onClose={() => reply(false)}>
      <p>{asked.text}</p>
      <div class="row end">
        <button type="button" class="button" onClick={() => reply(false)}>
          Leave it
        </button>
        <button type="button" class={`button primary ${asked.isDangerous ? "danger" : ""}`} autofocus onClick={() => reply(true)}>
          {asked.action}
        </button>
      </div>
    </Dialog>
  );
}
