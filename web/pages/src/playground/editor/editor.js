// The source editor. It stands in a shadow root: there it may add its styles as constructed style
// sheets, which the page's policy allows.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, Transaction } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { badLines, markBadLines } from "./bad-lines.js";
import { languageOf } from "./languages.js";
import { look, words } from "./look.js";

const fromProgram = Annotation.define();

/**
 * Puts an editor into an element; `onChange` hears what a person types. Returns `{show, setReadOnly, setLanguage, goTo,
 * destroy}`.
 */
export function createEditor(element, { onChange }) {
  const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
  const [language, readOnly] = [new Compartment(), new Compartment()];
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        highlightActiveLine(),
        lintGutter(),
        badLines,
        EditorView.lineWrapping,
        keymap.of([...defaultKeymap, ...historyKeymap]),
        syntaxHighlighting(words),
        look,
        language.of([]),
        readOnly.of([]),
        EditorView.domEventHandlers({ beforeinput: replaceSelected }),
        EditorView.contentAttributes.of({ "aria-label": "Source of the diagram", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((one) => one.annotation(fromProgram))) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  let wasFollowed = false;
  let shown;
  const keepInSight = () => {
    if (view.hasFocus) view.dispatch({ effects: EditorView.scrollIntoView(view.state.selection.main.head) });
  };
  /** Whether the text was another one. */
  const setText = (text, isFollowed) => {
    const now = view.state.doc.toString();
    const isOther = now !== text;
    if (isOther) {
      const changes = text.startsWith(now) ? { from: now.length, insert: text.slice(now.length) } : { from: 0, to: now.length, insert: text };
      view.dispatch({ changes, annotations: [fromProgram.of(true), Transaction.addToHistory.of(!isFollowed)] });
    }
    if (isFollowed) view.scrollDOM.scrollTop = view.scrollDOM.scrollHeight;
    else if (isOther || wasFollowed) view.scrollDOM.scrollTop = 0;
    wasFollowed = isFollowed;
    return isOther;
  };
  const setErrors = (errors) => {
    const placed = errors.filter(({ line }) => line >= 1 && line <= view.state.doc.lines);
    view.dispatch(setDiagnostics(view.state, placed.map((error) => diagnostic(view.state.doc, error))));
    view.dispatch({ effects: markBadLines.of(placed.map(({ line }) => view.state.doc.line(line).from)) });
    // The list of errors takes some of the editor's height.
    requestAnimationFrame(keepInSight);
  };
  return {
    /** `isFollowed`: it is being written, and its end is kept in sight. Marks of errors move with what is typed. */
    show(text, errors, isFollowed) {
      const isOther = setText(text, isFollowed);
      if (isOther || errors !== shown) setErrors(errors);
      shown = errors;
    },
    setReadOnly(isReadOnly) {
      view.dispatch({ effects: readOnly.reconfigure(EditorState.readOnly.of(isReadOnly)) });
    },
    setLanguage(name) {
      view.dispatch({ effects: language.reconfigure(languageOf(name)) });
    },
    goTo(line) {
      const { from } = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/**
 * Replaces what is selected by what is typed. Left to itself, the browser would keep the style of the first line as an
 * attribute, which the page's policy refuses.
 */
function replaceSelected(event, view) {
  const isTyped = event.inputType === "insertText" || event.inputType.startsWith("delete");
  if (!isTyped || event.isComposing || view.state.readOnly || view.state.selection.main.empty) return false;
  event.preventDefault();
  const change = view.state.replaceSelection(event.inputType === "insertText" ? (event.data ?? "") : "");
  view.dispatch(change, { userEvent: "input.type", scrollIntoView: true });
  return true;
}

/** Lines and columns count from 1; column 0 is unknown. */
function diagnostic(doc, { line, column, message }) {
  const { from, to } = doc.line(line);
  const start = column > 0 ? Math.min(from + column - 1, to) : from;
  return { from: start === to ? from : start, to, severity: "error", message };
}
