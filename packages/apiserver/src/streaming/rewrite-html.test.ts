import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { rewriteHtml } from './rewrite-html.ts'
import { rewriteUrl } from './rewrite-url.ts'

const place = { prefix: '/api/v1/namespaces/n/pods/p/proxy', backendHost: '10.0.0.3:80', clientHost: 'api:6443' }
const rewrite = (url: string) => rewriteUrl(url, place)
const through = async (chunks: readonly Buffer[]): Promise<string> =>
  (await buffer(Readable.from(chunks).pipe(rewriteHtml(rewrite)))).toString('utf8')

test.each([
  ['/a', `${place.prefix}/a`],
  ['/a/', `${place.prefix}/a/`],
  ['/', `${place.prefix}/`],
  ['/a?x=/b#/c', `${place.prefix}/a?x=/b#/c`],
  ['/a/../b', `${place.prefix}/b`],
  ['http://10.0.0.3:80/a', `${place.prefix}/a`],
  ['//10.0.0.3:80/a', `${place.prefix}/a`],
  ['https://api:6443/a', `https://api:6443${place.prefix}/a`],
  [`${place.prefix}/a`, `${place.prefix}/a`],
  ['http://elsewhere/a', 'http://elsewhere/a'],
  ['http://10.0.0.3:80', 'http://10.0.0.3:80'],
  ['a/b', 'a/b'],
  ['?q', '?q'],
  ['#f', '#f'],
  ['', ''],
  ['mailto:a@b', 'mailto:a@b'],
  ['javascript:alert(1)', 'javascript:alert(1)'],
])('%j leads to %j', (url, want) => expect(rewrite(url)).toBe(want))

const p = place.prefix
test.each([
  ['<a href="/x">x</a><a href="y">y</a>', `<a href="${p}/x">x</a><a href="y">y</a>`],
  ["<IMG\n SRC='/x.png' alt='/x'/>", `<IMG\n SRC="${p}/x.png" alt='/x'/>`],
  ['<form action=/go method=post>', `<form action="${p}/go" method=post>`],
  ['<a title="a > b" href="/x&amp;y">', `<a title="a > b" href="${p}/x&amp;y">`],
  ["<a title=it's href=/x>", `<a title=it's href="${p}/x">`],
  ['<!-- <a href="/x"> --><a href="/y">', `<!-- <a href="/x"> --><a href="${p}/y">`],
  [
    '<script src="/s.js">var a = "<a href=\'/x\'>"</SCRIPT><a href="/y">',
    `<script src="${p}/s.js">var a = "<a href='/x'>"</SCRIPT><a href="${p}/y">`,
  ],
  ['<!doctype html><html manifest="/m">', `<!doctype html><html manifest="${p}/m">`],
  ['<p>1 < 2 <3 </p><a href="/é">ü', `<p>1 < 2 <3 </p><a href="${p}/é">ü`],
  ['<a href="/x', '<a href="/x'],
  ['<div href="/x"><a data-href="/x">', '<div href="/x"><a data-href="/x">'],
  ['<a href="/a" href="/b"><', `<a href="${p}/a" href="${p}/b"><`],
  ['<!', '<!'],
  ['<!-', '<!-'],
])('%s', async (page, want) => {
  const bytes = Buffer.from(page)
  expect(await through([bytes])).toBe(want)
  expect(await through([...bytes].map((byte) => Buffer.from([byte])))).toBe(want)
})

test('a tag without an end is passed on in bounded memory', async () => {
  const long = Buffer.from(`<a href="${'x'.repeat(3_000_000)}`)
  const chunks = Array.from({ length: 60 }, (_, i) => long.subarray(i * 50_001, (i + 1) * 50_001))
  expect(await through(chunks)).toBe(long.toString())
})
