import type { ReactNode } from "react";
import { bytes } from "@/lib/format";

/** A card that is one table: rows of a name and what it is. */
export function TableCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      <table className="table">
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

export function ParametersCard({ of }: { of: Record<string, unknown> }) {
  return (
    <TableCard title="Parameters">
      {Object.entries(of).map(([name, value]) => (
        <tr key={name}>
          <td className="muted">{name}</td>
          <td className="num">
            <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>
          </td>
        </tr>
      ))}
    </TableCard>
  );
}

/** Files to be saved, each at its address. */
export function FilesCard(props: {
  title: string;
  files: readonly { name: string; size: number }[];
  address: (name: string) => string;
}) {
  return (
    <TableCard title={props.title}>
      {props.files.map((file) => (
        <tr key={file.name}>
          <td>
            <a href={props.address(encodeURIComponent(file.name))} download>
              {file.name}
            </a>
          </td>
          <td className="num">{bytes(file.size)}</td>
        </tr>
      ))}
    </TableCard>
  );
}
