// Lets njs judge every case of the shared vectors: GET answers a JSON object of ids and verdicts.

import fs from 'fs';
import tokens from 'tokens.js';

function all(r) {
    const folder = r.variables.cases;
    const data = JSON.parse(fs.readFileSync(folder + '/vectors.json', 'utf8'));
    const rules = {skew: data.skew_s, life: data.max_life_s};
    const found = {};
    data.vectors.forEach((vector, at) => {
        const use = {path: vector.path, client: vector.client, now: vector.now};
        found[vector.id] = tokens.judge(vector.token, use, data.keys, rules, folder + '/revoked-' + at);
    });
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify(found));
}

export default {all};
