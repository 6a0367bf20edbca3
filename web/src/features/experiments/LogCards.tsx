import { useQuery } from "@tanstack/react-query";
import { experimentLogs } from "@/api/queries";
import type { Logged } from "@/api/types";
import { Scroll } from "@/components/Scroll";

/** What an experiment logged beside its lines, which are charts, and its parameters. */
export function LogCards({ experiment, live }: { experiment: string; live: boolean }) {
  const { data } = useQuery({
    ...experimentLogs(experiment),
    refetchInterval: live ? 3000 : false,
  });
  const shown = (data?.items ?? []).flatMap((one) => {
    const rows = rowsOf(one);
    return rows ? [{ one, rows }] : [];
  });
  return shown.map(({ one, rows }) => (
    <section key={one.id} className="card" aria-label={one.name}>
      <header>
        <h2>{one.name}</h2>
      </header>
      <Scroll label={`${one.name}, table`}>
        <table className="table">
          <tbody>
            {rows.map((row, number) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
              <tr key={number}>
                {row.map((cell, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: nor have cells
                  <td key={column} className={isNumber(one, cell, column) ? "num" : undefined}>
                    {text(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  ));
}

/** Numbers stand at the right, and so does what is above them. */
function isNumber(one: Logged, cell: unknown, column: number): boolean {
  return typeof cell === "number" || (one.type === "HEATMAP" && column > 0);
}

/** A log as rows of a table; none where it is shown otherwise or is a picture. */
export function rowsOf({ name, type, data }: Logged): unknown[][] | null {
  if (name === "parameters" || type === "LINE" || type === "IMAGE") return null;
  if (type === "VALUE") return [[data]];
  if (Array.isArray(data)) return data.map((row) => (Array.isArray(row) ? row : [row]));
  const said = data as Record<string, unknown>;
  const { x, y, values, categories } = said;
  if (type === "BAR" && Array.isArray(x) && Array.isArray(y)) return x.map((at, i) => [at, y[i]]);
  if (type === "HEATMAP" && Array.isArray(values)) {
    const names: unknown[] = Array.isArray(categories) ? categories : [];
    const head = names.length > 0 ? [["", ...names]] : [];
    const rows = (values as unknown[][]).map((row, i) =>
      names.length > 0 ? [names[i] ?? "", ...row] : row,
    );
    return [...head, ...rows];
  }
  return Object.entries(said);
}

function text(cell: unknown): string {
  if (typeof cell === "string") return cell;
  return cell === null || cell === undefined ? "–" : JSON.stringify(cell);
}
