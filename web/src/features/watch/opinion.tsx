// Under the video: how often it was viewed, and the buttons of those who have signed in.
import { useEffect, useReducer } from "react";

import { getReactions, react } from "../../api/signals";
import { strings } from "../../strings";
import { Icon } from "./icons";
import { pressed, reduceOpinion, shown, unknown } from "./reactions";

const counted = new Intl.NumberFormat(undefined, { notation: "compact" });

export function OpinionButtons({ asset }: { asset: string }) {
  const [opinion, tell] = useReducer(reduceOpinion, unknown);
  useEffect(() => {
    getReactions(asset).then((reactions) => tell({ type: "told", reactions }), () => undefined); // pressing one tells
  }, [asset]);

  const press = (reaction: "like" | "dislike") => {
    tell({ type: "pressed", reaction });
    react(asset, pressed(opinion, reaction)).then(
      (reactions) => tell({ type: "told", reactions }),
      () => tell({ type: "refused" }),
    );
  };
  const now = shown(opinion);
  return (
    <div className="opinion" role="group" aria-label={strings.opinion}>
      <button type="button" aria-pressed={now.reaction === "like"} aria-label={strings.like(now.likes)} onClick={() => press("like")}>
        <Icon shape="like" /> <span aria-hidden="true">{counted.format(now.likes)}</span>
      </button>
      <button type="button" aria-pressed={now.reaction === "dislike"} aria-label={strings.dislike(now.dislikes)} onClick={() => press("dislike")}>
        <Icon shape="dislike" /> <span aria-hidden="true">{counted.format(now.dislikes)}</span>
      </button>
      {opinion.failed && <small role="alert">{strings.opinionFailed}</small>}
    </div>
  );
}

export function views(count: number): string {
  return strings.views(count, counted.format(count));
}
