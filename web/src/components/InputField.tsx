import type { InputHTMLAttributes } from "react";
import { Field } from "@/components/controls";

type Attributes = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "id" | "className">;

/** A named line of text or a number, as it is typed. */
export function InputField(
  props: Attributes & { label: string; hint?: string; onChange: (typed: string) => void },
) {
  const { label, hint, onChange, ...rest } = props;
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <input
          {...rest}
          id={id}
          className="input"
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
