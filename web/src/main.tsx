// Entry: one page for each path. Full page loads between them keep this small.
import { createRoot } from "react-dom/client";

import "./app.css";
import { AccountMenu } from "./features/account/menu";
import { AccountPage } from "./features/account/page";
import { SignInPage } from "./features/account/sign-in";
import { DiscoverPage } from "./features/discover/page";
import { WatchPage } from "./features/watch/page";
import { route } from "./route";
import { strings } from "./strings";

function App() {
  const place = route(location.pathname);
  return (
    <>
      <header className="site">
        <a href="/" className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          PlayNet
        </a>
        <AccountMenu />
      </header>
      {place.page === "discover" && <DiscoverPage />}
      {place.page === "watch" && <WatchPage id={place.asset} type={mediaType()} />}
      {place.page === "sign-in" && <SignInPage />}
      {place.page === "account" && <AccountPage />}
      {place.page === "unknown" && (
        <main className="notice">
          <h1>{strings.unknownPage}</h1>
          <p>
            <a href="/">{strings.allVideos}</a>
          </p>
        </main>
      )}
    </>
  );
}

function mediaType(): "hls" | "dash" {
  return new URLSearchParams(location.search).get("type") === "dash" ? "dash" : "hls";
}

const container = document.getElementById("app");
if (container) createRoot(container).render(<App />);
