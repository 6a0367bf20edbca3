import { useId, useState } from "react";
import { Icon } from "@/components/Icon";

/** Some tags, typed one after the other. */
export function TagInput(props: {
  id: string;
  /** Names the field where no label stands beside it. */
  label?: string;
  value: readonly string[];
  known: readonly string[];
  onChange: (tags: readonly string[]) => void;
}) {
  const { value, onChange } = props;
  const [text, setText] = useState("");
  const list = useId();
  const add = (typed: string) => {
    const fresh = typed
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "" && !value.includes(one));
    if (fresh.length > 0) onChange([...value, ...new Set(fresh)]);
    setText("");
  };
  return (
    <div className="tag-input">
      {value.map((tag) => (
        <button
          key={tag}
          type="button"
          className="tag removable"
          aria-label={`Remove ${tag}`}
          onClick={() => onChange(value.filter((one) => one !== tag))}
        >
          {tag}
          <Icon name="cross" size={12} />
        </button>
      ))}
      <input
        id={props.id}
        aria-label={props.label}
        className="input"
        list={list}
        value={text}
        maxLength={1024}
        onChange={(event) => {
          if (event.target.value.endsWith(",")) add(event.target.value);
          else setText(event.target.value);
        }}
        onBlur={() => add(text)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            add(text);
          } else if (event.key === "Backspace" && text === "" && value.length > 0) {
            onChange(value.slice(0, -1));
          }
        }}
      />
      <datalist id={list}>
        {props.known
          .filter((one) => !value.includes(one))
          .map((one) => (
            <option key={one} value={one} />
          ))}
      </datalist>
    </div>
  );
}
