// What the bundler adds to the language.
declare const __APP_VERSION__: string;
declare module '*?url' {
  const url: string;
  export default url;
}
declare module '*.css';
interface ImportMeta {
  glob<T>(patterns: string[], options: { query: '?url'; import: 'default'; eager: true }): Record<string, T>;
}
