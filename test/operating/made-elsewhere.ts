// Password hashes as other systems make them, by other implementations than ours.
import { execFileSync } from 'node:child_process';
import { hash } from '@node-rs/argon2';

/** Python's hashlib makes them: not the implementation under test. */
const PYTHON = `
import base64, hashlib, json, sys
p, s = sys.argv[1].encode(), b"0123456789abcdef"
b = lambda x: base64.b64encode(x).decode().rstrip("=")
k = lambda d, n: hashlib.pbkdf2_hmac(d, p, s, n)
print(json.dumps({
  "phc pbkdf2": "$pbkdf2-sha512$i=1000$%s$%s" % (b(s), b(k("sha512", 1000))),
  "passlib pbkdf2": "$pbkdf2-sha256$1000$%s$%s" % (b(s).replace("+", "."), b(k("sha256", 1000)).replace("+", ".")),
  "django pbkdf2": "pbkdf2_sha256$1000$%s$%s" % (s.decode(), base64.b64encode(k("sha256", 1000)).decode()),
  "scrypt": "$scrypt$ln=10,r=8,p=1$%s$%s" % (b(s), b(hashlib.scrypt(p, salt=s, n=1024, r=8, p=1, dklen=32))),
}))`;

/** One hash of each kind of a password. */
export async function foreignHashes(password: string): Promise<{ [kind: string]: string }> {
  const made = JSON.parse(execFileSync('python3', ['-c', PYTHON, password], { encoding: 'utf8' })) as {
    [kind: string]: string;
  };
  const { default: bcrypt } = await import('bcryptjs');
  return {
    ...made,
    argon2id: await hash(password, { memoryCost: 1024, timeCost: 2 }),
    argon2i: await hash(password, { memoryCost: 1024, timeCost: 2, algorithm: 1 }),
    bcrypt: await bcrypt.hash(password, 4),
  };
}
