// A private video's addresses: all of its media stand below the viewer's token.
import type { Asset } from "../../api/assets";
import { tokenised } from "../../api/urls";

export function under(token: string | null, asset: Asset): Asset {
  const own = (path: string) => tokenised(path, token);
  return {
    ...asset,
    hls: own(asset.hls),
    dash: own(asset.dash),
    poster: asset.poster && own(asset.poster),
    storyboard: asset.storyboard && own(asset.storyboard),
    captions: asset.captions.map((caption) => ({ ...caption, url: own(caption.url) })),
  };
}
