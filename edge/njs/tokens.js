// Judges playback tokens inside nginx, for requests that need nothing but a file. The rules are those of
// playnet/tokens, which this file follows function by function; tests/unit/tokens/vectors.json holds the two together.
//
// The verdict is "granted", a reason to refuse, or "" where only the brain can tell: a path that is not in plain
// spelling, a key file that cannot be read. What is left to the brain is never served from here.
//
// Every request has a fresh interpreter (njs 0.7), so nothing is remembered between two: the key file is read each
// time (5 us), and a new key counts with the next request. Expressions are literals: those are compiled once, `new RegExp`
// with every request. An exception that leaves `fs` costs 300 us, hence `throwIfNoEntry`.

import fs from 'fs';
import crypto from 'crypto';

const MAX_TOKEN = 1024;
const MAX_PREFIX = 200;
const MAX_DEPTH = 16;
const ABSENT_IS_FINE = {throwIfNoEntry: false};

// `(?![\s\S])` is the end of the text: njs 0.7 lets `$` match before a line end, too.
const TARGET = /^\/t\/([^\/?]*)(\/[^?]*)/;
const PLAIN = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+(?![\s\S])/;
const TOKEN = /^(v1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]{1,1024}))\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])(?![\s\S])/;
const PAYLOAD = /^\{"i":([1-9][0-9]{0,11}),"e":([1-9][0-9]{0,11}),"p":"(\/[A-Za-z0-9._~!$&'()*+,;=:@%\/-]{0,255})"(?:,"n":"([0-9a-f.:]{2,45})\/([0-9]{1,3})")?(?:,"s":"([A-Za-z0-9._~:@-]{1,64})")?(?:,"u":"([A-Za-z0-9._~:@-]{1,64})")?\}(?![\s\S])/;
const FOUR = /^(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?![\s\S])/;

// js_set: the verdict on the request as it was sent.
function verdict(r) {
    try {
        const v = r.variables;
        const target = TARGET.exec(v.request_uri);
        if (target === null || !PLAIN.test(target[2])) {
            return '';
        }
        const rules = {skew: Number(v.token_skew), life: Number(v.token_life)};
        const use = {path: target[2], client: v.remote_addr, now: Date.now() / 1000};
        return judge(target[1], use, JSON.parse(fs.readFileSync(v.token_keys, 'utf8')), rules, v.token_revoked);
    } catch (e) {
        return '';
    }
}

function judge(token, use, keys, rules, folder) {
    const written = token.length <= MAX_TOKEN ? TOKEN.exec(token) : null;
    if (written === null) {
        return 'malformed';
    }
    if (!Object.prototype.hasOwnProperty.call(keys, written[2])) {
        return 'unknown-key';
    }
    const key = Buffer.from(keys[written[2]], 'base64');
    if (!isSame(crypto.createHmac('sha256', key).update(written[1]).digest(), Buffer.from(written[4], 'base64url'))) {
        return 'forged';
    }
    const claims = written[3].length % 4 === 1 ? null : PAYLOAD.exec(Buffer.from(written[3], 'base64url').toString());
    if (claims === null || Number(claims[2]) <= Number(claims[1])) {
        return 'malformed';
    }
    const reason = objection(claims, use, rules);
    if (reason !== '') {
        return reason;
    }
    return isRevoked(written[2], claims, use.path, folder) ? 'revoked' : 'granted';
}

function objection(claims, use, rules) {
    const issued = Number(claims[1]);
    const expires = Number(claims[2]);
    if (expires - issued > rules.life) {
        return 'overlong';
    }
    if (issued > use.now + rules.skew) {
        return 'early';
    }
    if (use.now >= expires + rules.skew) {
        return 'expired';
    }
    if (claims[4] !== undefined && !contains(claims[4], Number(claims[5]), use.client)) {
        return 'client';
    }
    return covers(claims[3], use.path) ? '' : 'path';
}

// In a time that does not tell where they differ; by four bytes at once, because a step of a loop costs 0.1 us. Both are
// 32 bytes: the last character of a MAC can only be one of those that leave no bit over.
function isSame(one, other) {
    let difference = one.length ^ other.length;
    for (let at = 0; at < 32; at += 4) {
        difference |= one.readInt32LE(at) ^ other.readInt32LE(at);
    }
    return difference === 0;
}

function covers(prefix, path) {
    return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : prefix + '/');
}

function isRevoked(kid, claims, path, folder) {
    const issued = Number(claims[1]);
    if (!stands(folder, 'newest', issued)) {
        return false;
    }
    if (stands(folder, 'all', issued) || stands(folder, 'key-' + kid, issued)) {
        return true;
    }
    if (claims[6] !== undefined && stands(folder, 'session-' + claims[6], issued)) {
        return true;
    }
    if (claims[7] !== undefined && stands(folder, 'subject-' + claims[7], issued)) {
        return true;
    }
    return isFolderRevoked(path, folder, issued);
}

function isFolderRevoked(path, folder, issued) {
    let end = 0;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
        end = path.indexOf('/', end) + 1;
        if (end === 0 || end > MAX_PREFIX) {
            return path.length < MAX_PREFIX && stands(folder, ofPrefix(path + '/'), issued);
        }
        if (stands(folder, ofPrefix(path.slice(0, end)), issued)) {
            return true;
        }
    }
    return false;
}

function ofPrefix(folder) {
    return 'prefix-' + folder.split('/').join('|');
}

// Whether there is a revocation under this name that reaches a token issued then.
function stands(folder, name, issued) {
    const found = fs.statSync(folder + '/' + name, ABSENT_IS_FINE);
    return found !== undefined && Math.floor(found.mtimeMs / 1000) >= issued;
}

// Whether a client is in a network; IPv4 written as IPv6 counts as IPv4.
function contains(network, bits, client) {
    const base = bytesOf(network);
    const address = bytesOf(client);
    if (base === null || address === null || base.length !== address.length || bits > base.length * 8) {
        return false;
    }
    for (let at = 0; at * 8 < bits; at++) {
        const mask = bits - at * 8 >= 8 ? 255 : 255 & (255 << (8 - (bits - at * 8)));
        if ((base[at] & mask) !== (address[at] & mask)) {
            return false;
        }
    }
    return true;
}

// An address as 4 or 16 numbers, null for what is none.
function bytesOf(text) {
    const address = text.indexOf(':') < 0 ? ofFour(text) : ofSixteen(text);
    if (address === null || address.length === 4) {
        return address;
    }
    const isMapped = address.slice(0, 10).every(byte => byte === 0) && address[10] === 255 && address[11] === 255;
    return isMapped ? address.slice(12) : address;
}

function ofFour(text) {
    const parts = FOUR.exec(text);
    if (parts === null) {
        return null;
    }
    const bytes = [Number(parts[1]), Number(parts[2]), Number(parts[3]), Number(parts[4])];
    return Math.max(bytes[0], bytes[1], bytes[2], bytes[3]) < 256 ? bytes : null;
}

// RFC 4291 section 2.2: groups, one `::` for zeroes, perhaps IPv4 at the end.
function ofSixteen(text) {
    const halves = text.split('::');
    const head = groups(halves[0], halves.length === 1);
    const tail = halves.length === 2 ? groups(halves[1], true) : [];
    if (halves.length > 2 || head === null || tail === null) {
        return null;
    }
    const missing = 16 - head.length - tail.length;
    if (halves.length === 1 ? missing !== 0 : missing < 2) {
        return null;
    }
    return head.concat(Array(missing).fill(0), tail);
}

function groups(text, isLast) {
    let found = [];
    const parts = text === '' ? [] : text.split(':');
    for (let at = 0; at < parts.length; at++) {
        const part = parts[at];
        if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
            const value = parseInt(part, 16);
            found = found.concat([value >> 8, value & 255]);
        } else if (isLast && at === parts.length - 1 && part.indexOf('.') > 0) {
            const four = ofFour(part);
            if (four === null) {
                return null;
            }
            found = found.concat(four);
        } else {
            return null;
        }
    }
    return found;
}

export default {verdict, judge};
