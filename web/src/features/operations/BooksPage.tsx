import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { deployments, ledger } from "@/api/queries";
import type { Deployment, Ledger } from "@/api/types";
import { useOrg } from "@/app/params";
import { Icon } from "@/components/Icon";
import { Empty, Loaded } from "@/components/states";
import { count } from "@/lib/format";
import { useLiveQueries } from "@/lib/live/hooks";

/** received = stored + duplicate + rejected + in flight, for each deployment. */
export default function BooksPage() {
  const query = useQuery(deployments);
  const all = query.data?.items ?? [];
  const books = useQueries({ queries: all.map((one) => ledger(one.id)) });
  useLiveQueries(["series", "prediction", "alert"], [["ledger"]]);
  return (
    <div className="content">
      <div className="page-head">
        <h1>Books</h1>
        <span className="muted">received = stored + duplicate + rejected + in flight</span>
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No deployment yet" icon="operations" />
          ) : (
            <div className="card table-scroll">
              <table className="table">
                <thead>
                  <tr>
                    <th>Deployment</th>
                    <th className="num">Received</th>
                    <th className="num">Stored</th>
                    <th className="num">Duplicate</th>
                    <th className="num">Rejected</th>
                    <th className="num">In flight</th>
                    <th>Balance</th>
                    <th>Rejections by reason</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one, i) => (
                    <BookRow
                      key={one.id}
                      deployed={one}
                      book={books[i]?.data}
                      error={books[i]?.error}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </div>
  );
}

function BookRow(props: { deployed: Deployment; book: Ledger | undefined; error: unknown }) {
  const { deployed, book } = props;
  const org = useOrg();
  const left = book
    ? book.received - (book.stored + book.duplicate + book.rejected + book.in_flight)
    : 0;
  return (
    <tr>
      <td>
        <Link to="/o/$org/deployments/$d/dashboard" params={{ org, d: deployed.id }}>
          {deployed.name}
        </Link>
      </td>
      <td className="num">{count(book?.received)}</td>
      <td className="num">{count(book?.stored)}</td>
      <td className="num">{count(book?.duplicate)}</td>
      <td className="num">{count(book?.rejected)}</td>
      <td className="num">{count(book?.in_flight)}</td>
      <td>
        {book ? (
          book.balanced ? (
            <span className="badge ok">
              <Icon name="check" size={12} /> balanced
            </span>
          ) : (
            <span className="badge danger">
              <Icon name="warn" size={12} /> off by {count(left)}
            </span>
          )
        ) : props.error ? (
          <span className="badge warn">not answered</span>
        ) : null}
      </td>
      <td className="muted small">
        {Object.entries(book?.rejected_by_reason ?? {})
          .sort((a, b) => b[1] - a[1])
          .map(([reason, n]) => `${reason} ${count(n)}`)
          .join(", ") || "none"}
      </td>
    </tr>
  );
}
