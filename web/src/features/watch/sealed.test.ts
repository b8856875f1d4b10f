import { expect, it } from "vitest";

import { readAsset } from "../../api/assets";
import { under } from "./sealed";

const media = "http://video.test/v/k3v9m2qx7ahd";
const asset = readAsset({
  id: "k3v9m2qx7ahd",
  title: "A title",
  state: "ready",
  hls_url: `${media}/master.m3u8`,
  dash_url: `${media}/manifest.mpd`,
  poster_url: `${media}/1/thumbs/poster.jpg`,
  captions: [{ label: "Deutsch", language: "de", url: `${media}/1/text/de.vtt` }],
});

const addresses = (of: typeof asset) => [of.hls, of.dash, of.poster, ...of.captions.map((caption) => caption.url)];

it("puts every file of a private video under the token", () => {
  const found = addresses(under("v1.k.p.m", asset));
  expect(found).toHaveLength(4);
  expect(found.every((url) => url?.startsWith("/t/v1.k.p.m/v/k3v9m2qx7ahd/"))).toBe(true);
});

it("leaves a public one as it is", () => {
  expect(addresses(under(null, asset))).toEqual(addresses(asset));
});
