// Uploads one file with tus-js-client and remembers how far it came, as a browser would: killed and started again, it
// goes on. Arguments: endpoint, token, file, memory file. Prints `done URL` at the end.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { FileUrlStorage, Upload } from "tus-js-client";

const [endpoint, token, file, memory] = process.argv.slice(2);

const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  uploadSize: statSync(file).size,
  metadata: { filename: basename(file), title: "Sent by tus-js-client" },
  retryDelays: Array(40).fill(500),
  urlStorage: new FileUrlStorage(memory),
  fingerprint: async () => file,
  removeFingerprintOnSuccess: true,
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(`done ${upload.url}`),
});

const [earlier] = await upload.findPreviousUploads();
if (earlier) upload.resumeFromPreviousUpload(earlier);
upload.start();
