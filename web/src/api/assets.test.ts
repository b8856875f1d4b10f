import { afterEach, expect, it, vi } from "vitest";

import { getAsset, readAsset } from "./assets";

const view = {
  id: "k3v9m2qx7ahd",
  title: "Big <b>Buck</b> Bunny",
  state: "ready",
  failure: null,
  progress: 1,
  uploaded_bytes: 5,
  duration_s: 62.3,
  hls_url: "http://cdn.example:8080/v/k3v9m2qx7ahd/master.m3u8",
  dash_url: "http://cdn.example:8080/v/k3v9m2qx7ahd/manifest.mpd",
  poster_url: null,
  something_new: 1,
};

afterEach(() => vi.unstubAllGlobals());

it("keeps to the origin of the page, whatever the public address is", () => {
  expect(readAsset(view)).toMatchObject({
    title: "Big <b>Buck</b> Bunny",
    hls: "/v/k3v9m2qx7ahd/master.m3u8",
    dash: "/v/k3v9m2qx7ahd/manifest.mpd",
    poster: null,
    storyboard: null,
    captions: [],
    durationS: 62.3,
  });
});

it.each([
  ["no object", 7],
  ["null", null],
  ["an unknown state", { ...view, state: "melting" }],
  ["no address", { ...view, hls_url: undefined }],
])("refuses %s", (_, value) => {
  expect(() => readAsset(value)).toThrow();
});

it.each([
  ["a missing asset", () => Promise.resolve(new Response("{}", { status: 404 })), 404],
  ["an answer that is not JSON", () => Promise.resolve(new Response("<html>")), 502],
  ["no answer", () => Promise.reject(new TypeError("network")), 0],
])("tells %s apart", async (_, reply, status) => {
  vi.stubGlobal("fetch", reply);
  await expect(getAsset("k3v9m2qx7ahd", new AbortController().signal)).rejects.toMatchObject({ status });
});
