// /: what there is to watch, newest first.
import { useEffect, useState } from "react";

import { type Asset, listAssets } from "../../api/assets";
import { strings } from "../../strings";
import { clock } from "../../time";
import "./discover.css";

const REFRESH_MS = 5000;

export function DiscoverPage() {
  const [items, setItems] = useState<readonly Asset[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [reachable, setReachable] = useState(true);
  const [round, setRound] = useState(0);
  const unsettled = !reachable || (items ?? []).some((asset) => asset.state !== "ready" && asset.state !== "failed");

  useEffect(() => {
    const ending = new AbortController();
    listAssets(null, ending.signal)
      .then((page) => {
        setItems((shown) => merge(page.items, shown ?? []));
        setNext((cursor) => (round === 0 ? page.next : cursor));
        setReachable(true);
      })
      .catch(() => ending.signal.aborted || setReachable(false));
    return () => ending.abort();
  }, [round]);

  useEffect(() => {
    if (!unsettled) return;
    const timer = setInterval(() => setRound((count) => count + 1), REFRESH_MS);
    return () => clearInterval(timer);
  }, [unsettled]);

  const more = () =>
    listAssets(next, AbortSignal.timeout(10_000))
      .then((page) => {
        setItems((shown) => merge(shown ?? [], page.items));
        setNext(page.next);
      })
      .catch(() => setReachable(false));

  return (
    <main className="discover">
      <h1>{strings.allVideos}</h1>
      {!reachable && (
        <p role="status">
          <strong>{strings.unreachable}</strong> {strings.unreachableHint}
        </p>
      )}
      {items?.length === 0 && <Empty />}
      <ul>
        {items?.map((asset) => (
          <li key={asset.id}>
            <Card asset={asset} />
          </li>
        ))}
      </ul>
      {next !== null && (
        <button type="button" className="action" onClick={() => void more()}>
          {strings.more}
        </button>
      )}
    </main>
  );
}

function Card({ asset }: { asset: Asset }) {
  return (
    <a href={`/watch/${asset.id}`} className="card">
      <div className="poster">
        {asset.poster && <img src={asset.poster} alt="" loading="lazy" decoding="async" />}
        <span className={`badge ${asset.state}`}>{badge(asset)}</span>
      </div>
      <h2>{asset.title}</h2>
    </a>
  );
}

function badge(asset: Asset): string {
  if (asset.state === "ready") return asset.durationS === null ? strings.states.ready : clock(Math.round(asset.durationS));
  if (asset.state === "processing") return `${strings.states.processing} · ${Math.floor(asset.progress * 100)} %`;
  return strings.states[asset.state];
}

function Empty() {
  return (
    <div className="empty">
      <p>{strings.noVideos}</p>
      <p>{strings.noVideosHint}</p>
      <code>.venv/bin/playnet add video.mp4 --wait</code>
    </div>
  );
}

/** `first` as it is, then what else was shown. */
function merge(first: readonly Asset[], then: readonly Asset[]): Asset[] {
  const known = new Set(first.map((asset) => asset.id));
  return [...first, ...then.filter((asset) => !known.has(asset.id))];
}
