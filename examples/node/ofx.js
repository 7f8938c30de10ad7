// An OFX client of wire v1 for Node.js, without packages: logs in, subscribes, and prints a quote.
//
//     OFX_KEY='the OFX key' OFX_PASSWORD=demo node ofx.js 127.0.0.1 11027 demo 000001 SZ
//
// OFX_KID and OFX_SALT when the gateway's administrator named them with the key.
'use strict';

const crypto = require('node:crypto');
const net = require('node:net');
const zlib = require('node:zlib');

const MOST_TEXT = 64 * 1024 * 1024;
const TIMEOUT_MS = 20000;
const POLL_MS = 200;
const HEADER = 10; // version, kid, Unix time in ms
const NONCE = 12;
const TAG = 16;

const { OFX_KEY, OFX_PASSWORD, OFX_KID = '1', OFX_SALT = '' } = process.env;
const kid = Number(OFX_KID);

// The key for AES: once in a process, it takes a good part of a second.
function derive() {
  const salt = Buffer.concat([Buffer.from('ofx-oct1'), Buffer.from([kid]), Buffer.from(OFX_SALT)]);
  return crypto.pbkdf2Sync(OFX_KEY, salt, 600000, 32, 'sha256');
}

// A request as a line. base64url with its padding: the gateway takes no other spelling.
function encrypt(aes, text) {
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(1, 0);
  header.writeUInt8(kid, 1);
  header.writeBigUInt64BE(BigInt(Date.now()), 2);
  const nonce = crypto.randomBytes(NONCE);
  const cipher = crypto.createCipheriv('aes-256-gcm', aes, nonce);
  cipher.setAAD(Buffer.concat([Buffer.from('ofx1>'), header]));
  const sealed = [header, nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

// The text of a reply, sealed or only compressed. Throws on anything wrong.
function extract(aes, line) {
  let packed;
  if (line.startsWith('!')) {
    const raw = Buffer.from(line.slice(1), 'base64url');
    const header = raw.subarray(0, HEADER);
    const options = { authTagLength: TAG };
    const nonce = raw.subarray(HEADER, HEADER + NONCE);
    const decipher = crypto.createDecipheriv('aes-256-gcm', aes, nonce, options);
    decipher.setAAD(Buffer.concat([Buffer.from('ofx1<'), header]));
    decipher.setAuthTag(raw.subarray(raw.length - TAG));
    const text = raw.subarray(HEADER + NONCE, raw.length - TAG);
    packed = Buffer.concat([decipher.update(text), decipher.final()]);
  } else {
    packed = Buffer.from(line, 'base64');
  }
  return zlib.inflateSync(packed, { maxOutputLength: MOST_TEXT }).toString('utf8');
}

// One connection. Replies come in the order of the requests, one for each.
class Connection {
  constructor(aes, host, port) {
    this.aes = aes;
    this.rest = '';
    this.waiting = [];
    this.socket = net.connect(port, host);
    this.socket.setEncoding('ascii');
    this.socket.setTimeout(TIMEOUT_MS, () => this.socket.destroy(new Error('no reply in time')));
    this.socket.on('data', (data) => this.read(data));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () =>
      this.fail(new Error('closed without a reply: another key, or this clock is wrong')));
  }

  ask(request) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.write(encrypt(this.aes, JSON.stringify(request)) + '\r\n');
    });
  }

  read(data) {
    const lines = (this.rest + data).split('\n');
    this.rest = lines.pop();
    for (const line of lines) {
      const { resolve, reject } = this.waiting.shift();
      try {
        resolve(JSON.parse(extract(this.aes, line.trim())));
      } catch (error) {
        reject(error);
      }
    }
  }

  fail(error) {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  close() {
    this.socket.end();
  }
}

function expect(reply, what) {
  if ('stat' in reply && reply.stat !== 200) {
    throw new Error(`${what}: ${reply.stat} ${reply.msg}`);
  }
  return reply;
}

async function login(aes, host, port, username) {
  const connection = new Connection(aes, host, port);
  try {
    const account = { username, password: OFX_PASSWORD };
    return expect(await connection.ask({ cmd: 1, params: account }), 'login');
  } finally {
    connection.close();
  }
}

// The first one that the gateway has; {} says that there is none yet.
async function quote(aes, route, instrument) {
  const connection = new Connection(aes, route.quoteserver, route.quoteport);
  const { authcode } = route;
  try {
    const subscribe = { cmd: 110001, authcode, params: [instrument] };
    expect(await connection.ask(subscribe), 'subscribe');
    for (const until = Date.now() + TIMEOUT_MS; Date.now() < until; ) {
      const reply = await connection.ask({ cmd: 100001, authcode, params: instrument });
      if ('ticker' in expect(reply, 'quote')) return reply;
      await new Promise((wake) => setTimeout(wake, POLL_MS));
    }
    throw new Error('no quote in time');
  } finally {
    connection.close();
  }
}

async function main([host, port, username, code, market]) {
  const aes = derive();
  const route = await login(aes, host, Number(port), username);
  console.log(`trade ${route.tradeserver}:${route.tradeport}`);
  console.log(JSON.stringify(await quote(aes, route, { code, market })));
}

if (!OFX_KEY || !OFX_PASSWORD || process.argv.length !== 7) {
  console.error('OFX_KEY=… OFX_PASSWORD=… node ofx.js HOST LOGIN_PORT USER CODE MARKET');
  process.exitCode = 2;
} else {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
