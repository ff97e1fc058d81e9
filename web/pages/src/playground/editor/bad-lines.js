// Lines with an error are tinted whole: easier to see than an underlined letter.
import { RangeSet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";

/** Where the lines begin; all others are good. */
export const markBadLines = StateEffect.define();
const mark = Decoration.line({ class: "cm-bad-line" });

export const badLines = StateField.define({
  create: () => RangeSet.empty,
  update(marks, transaction) {
    const effect = transaction.effects.find((one) => one.is(markBadLines));
    if (!effect) return marks.map(transaction.changes);
    const starts = [...new Set(effect.value)].sort((one, other) => one - other);
    return Decoration.set(starts.map((start) => mark.range(start)));
  },
  provide: (field) => EditorView.decorations.from(field),
});
