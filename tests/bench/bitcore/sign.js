// Signs COUNT one-input P2WPKH transactions the way Tatum KMS does for BTC: parse the
// pending transaction's JSON, sign with the key, serialize without checks. Only that
// is timed; making the pending transactions is not.
//
//   node sign.js COUNT    prints {"transactions": COUNT, "seconds": S}

"use strict";

const { createHash } = require("crypto");
const { Address, Networks, PrivateKey, Script, Transaction } = require("bitcore-lib");

const count = Number(process.argv[2]);
if (!Number.isInteger(count) || count < 1) {
  console.error("usage: node sign.js COUNT");
  process.exit(2);
}

// A key of no value: 32 bytes of 0x11.
const key = new PrivateKey("11".repeat(32), Networks.testnet);
const own = Address.fromPublicKey(key.publicKey, Networks.testnet, "witnesspubkeyhash");
const script = Script.buildWitnessV0Out(own).toHex();

function pending(number) {
  const coin = {
    txId: createHash("sha256").update(String(number)).digest("hex"),
    outputIndex: 0,
    satoshis: 200000,
    script,
  };
  return JSON.stringify(new Transaction().from(coin).to(own, 190000).toJSON());
}

const texts = Array.from({ length: count }, (_, number) => pending(number));
const begun = process.hrtime.bigint();
for (const text of texts) {
  const signed = new Transaction(JSON.parse(text)).sign(key).serialize(true);
  if (signed.length < 300) {
    throw new Error(`transaction is not signed: ${signed}`);
  }
}
const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
console.log(JSON.stringify({ transactions: count, seconds }));
