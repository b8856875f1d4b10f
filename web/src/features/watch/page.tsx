// /watch/<asset>: the screen once the video is ready, until then what happens to it.
import { useEffect, useState } from "react";

import { getSession } from "../../api/account";
import type { Asset } from "../../api/assets";
import { strings } from "../../strings";
import { clock, size } from "../../time";
import { useAsset } from "./asset";
import { OpinionButtons, views } from "./opinion";
import { Screen } from "./screen";
import "./watch.css";

export function WatchPage({ id, type }: { id: string; type: "hls" | "dash" }) {
  const { asset, trouble } = useAsset(id);
  const title = asset?.title;
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · PlayNet`;
  }, [title]);

  const signedIn = useSignedIn();

  if (trouble === "gone") {
    return (
      <main className="notice" data-state="gone">
        <h1>{strings.gone}</h1>
        <p>{strings.goneHint}</p>
        <p>
          <a href="/">{strings.allVideos}</a>
        </p>
      </main>
    );
  }
  return (
    <main className="watch" data-state={asset?.state ?? "loading"}>
      {asset?.state === "ready" ? <Screen asset={asset} type={type} /> : <Stage asset={asset} />}
      {asset && <h1>{asset.title}</h1>}
      {asset?.state === "ready" && (
        <div className="below">
          <p className="facts">{facts(asset)}</p>
          {signedIn && <OpinionButtons asset={asset.id} />}
        </div>
      )}
      {trouble === "unreachable" && (
        <p className="trouble" role="status">
          <strong>{strings.unreachable}</strong> {strings.unreachableHint}
        </p>
      )}
    </main>
  );
}

/** In the place of the screen while there is nothing to play. */
function Stage({ asset }: { asset: Asset | null }) {
  if (asset === null) return <div className="screen stage" aria-busy="true" />;
  if (asset.state === "failed") {
    return (
      <div className="screen stage" role="alert">
        <p className="state">{strings.states.failed}</p>
        <p>{asset.failure}</p>
        <p className="hint">{strings.failedHint}</p>
      </div>
    );
  }
  const percent = Math.floor(asset.progress * 100);
  return (
    <div className="screen stage" role="status">
      <p className="state">{strings.states[asset.state]}</p>
      {asset.state === "processing" && (
        <>
          <progress value={asset.progress} max={1} aria-label={strings.states.processing} />
          <p className="percent">{percent} %</p>
        </>
      )}
      {asset.state === "uploading" && <p className="percent">{size(asset.uploadedBytes)}</p>}
      <p className="hint">{strings.processingHint}</p>
    </div>
  );
}

function facts(asset: Asset): string {
  const length = asset.durationS === null ? [] : [clock(Math.round(asset.durationS))];
  return [...length, views(asset.views)].join(" · ");
}

function useSignedIn(): boolean {
  const [signedIn, setSignedIn] = useState(false);
  useEffect(() => {
    getSession().then((session) => setSignedIn(session.account !== null), () => setSignedIn(false));
  }, []);
  return signedIn;
}
