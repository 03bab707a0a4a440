// The part of qrcode that makes a code; its types know the package only as a whole.
declare module 'qrcode/lib/core/qrcode.js' {
  export { create } from 'qrcode';
}
