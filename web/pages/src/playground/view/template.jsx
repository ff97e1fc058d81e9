// A template and the form of its variables.
import { isRunning } from "../state/job.js";
import { choose, labelOf, template, templates, variables } from "../state/composer.js";

function Field({ variable }) {
  const { name, type, required, options, description, maxLength } = variable;
  const id = `variable-${name}`;
  const value = variables.value[name] ?? "";
  const onInput = ({ currentTarget }) => (variables.value = { ...variables.value, [name]: currentTarget.value });
  const shared = { id, class: "input", value, onInput, required, "aria-describedby": `${id}-hint` };
  return (
    <div class="field">
      <label for={id}>
        {labelOf(name)}
        <span class="optional">{required ? " · required" : " · optional"}</span>
      </label>
      {type === "enum" && (
        <select {...shared}>
          {!required && <option value="" />}
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
      {type === "number" && <input type="number" step="any" {...shared} />}
      {(type === "text" || type === "list") && <textarea rows={type === "list" ? 2 : 3} maxLength={type === "text" ? maxLength : undefined} {...shared} />}
      {!["enum", "number", "text", "list"].includes(type) && <input type="text" maxLength={maxLength} {...shared} />}
      <p class="hint" id={`${id}-hint`}>
        {description}
        {type === "list" && " One on each line."}
      </p>
    </div>
  );
}

export function Template() {
  if (templates.value.length === 0) return null;
  return (
    <fieldset class="template" disabled={isRunning.value}>
      <legend class="unseen">Template</legend>
      <div class="template-row">
        <label class="label" for="template">
          Template
        </label>
        <select id="template" class="input" value={template.value?.name ?? ""} onChange={({ currentTarget }) => choose(currentTarget.value)}>
          <option value="">None, just my words</option>
          {templates.value.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </div>
      {template.value && <p class="hint">{template.value.description}</p>}
      {template.value?.variables.map((variable) => (
        <Field key={`${template.value.name}-${variable.name}`} variable={variable} />
      ))}
    </fieldset>
  );
}
