import { Link } from "@tanstack/react-router";
import type { NamedLedger } from "@/api/types";
import { useOrg } from "@/app/params";
import { Icon } from "@/components/Icon";
import { Time } from "@/components/Time";
import type { Refusals } from "@/features/operations/refusals";
import { count, shortId } from "@/lib/format";
import { labelToken } from "@/lib/palette";

/** One deployment: its terms, whether they add up, and what was rejected why and when. */
export function BookRow({ book, refused }: { book: NamedLedger; refused: Refusals }) {
  const org = useOrg();
  return (
    <>
      <tr>
        <td>
          <Link to="/o/$org/deployments/$d/dashboard" params={{ org, d: book.deployment }}>
            {book.name}
          </Link>{" "}
          <span className="muted small" title="Partition of the topic of predictions">
            partition {book.partition}
          </span>
        </td>
        <td>
          <Balance book={book} />
        </td>
        <td className="num">{count(book.received)}</td>
        <td className="num">{count(book.stored)}</td>
        <td className="num">{count(book.duplicate)}</td>
        <td className="num">{count(book.rejected)}</td>
        <td className="num">
          {count(book.dead_lettered)}
          {book.replayed > 0 && (
            <div className="muted small">{count(book.replayed)} more replayed and stored</div>
          )}
        </td>
        <td className="num">{count(book.in_flight)}</td>
        <td>
          <Reasons refused={refused} />
        </td>
      </tr>
      {(book.lost.length > 0 || book.alert_since) && (
        <tr className="details">
          <td colSpan={9}>
            <Lost book={book} />
          </td>
        </tr>
      )}
    </>
  );
}

function Balance({ book }: { book: NamedLedger }) {
  if (book.balanced) {
    return (
      <span className="badge ok">
        <Icon name="check" size={12} /> balanced
      </span>
    );
  }
  const text =
    book.missing > 0 ? `${count(book.missing)} missing` : `${count(-book.missing)} counted twice`;
  return (
    <span className="badge danger">
      <Icon name="warn" size={12} /> {text}
    </span>
  );
}

function Reasons({ refused }: { refused: Refusals }) {
  const seen = refused.reasons.map((one, i) => ({ ...one, slot: i })).filter((one) => one.total);
  if (seen.length === 0) return <span className="muted small">none</span>;
  const text = seen.map((one) => `${one.name} ${count(one.total)}`).join(", ");
  const sums = refused.t.map((_, i) => seen.reduce((sum, one) => sum + one.values[i]!, 0));
  const top = Math.max(...sums);
  const [width, height] = [120, 22];
  const step = width / sums.length;
  return (
    <div className="reasons">
      <svg width={width} height={height} role="img" aria-label={text}>
        <title>{text}</title>
        <path d={`M0 ${height - 0.5}H${width}`} stroke="var(--border)" />
        {seen.map((one, k) => {
          const below = (i: number) => seen.slice(0, k).reduce((sum, o) => sum + o.values[i]!, 0);
          const bars = one.values
            .map((value, i) => {
              if (value === 0) return "";
              const [low, high] = [below(i), below(i) + value].map(
                (level) => height - (level / top) * height,
              );
              return `M${i * step} ${low}V${high}h${Math.max(1, step - 1)}V${low}z`;
            })
            .join("");
          return <path key={one.name} d={bars} fill={`var(--${labelToken(one.slot)})`} />;
        })}
      </svg>
      <span className="muted small">{text}</span>
    </div>
  );
}

function Lost({ book }: { book: NamedLedger }) {
  return (
    <div className="stack small">
      {book.alert_since && (
        <span>
          An alert tells of it since <Time at={book.alert_since} />.
        </span>
      )}
      {book.lost.slice(0, 5).map((gap) => (
        <span key={`${gap.boot} ${gap.first}`}>
          Lost of process run <code title={gap.boot}>{shortId(gap.boot)}</code>: number{" "}
          {gap.first === gap.last ? count(gap.first) : `${count(gap.first)} to ${count(gap.last)}`},
          seen missing <Time at={gap.seen} />
        </span>
      ))}
      {book.lost.length > 5 && <span>and {count(book.lost.length - 5)} more ranges</span>}
      {book.balanced && book.waiting_since && (
        <span>
          {count(book.in_flight)} are accepted and not stored; nothing has moved since{" "}
          <Time at={book.waiting_since} />. Look at the consumer <code>ingest.predictions</code>.
        </span>
      )}
    </div>
  );
}
