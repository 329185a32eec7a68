// The three tiers as CGI scripts of busybox httpd. Each finds the next by its Service's DNS name.

const header = (type: string): string => `printf 'Content-Type: ${type}\\r\\n\\r\\n'`

/** The store keeps lines in a file of its volume: `add` appends the request's body, `list` prints all. */
export const storeScripts: Readonly<Record<string, string>> = {
  list: `#!/bin/sh
${header('text/plain')}
cat /data/entries 2>/dev/null || true
`,
  add: `#!/bin/sh
${header('text/plain')}
line=$(head -c "\${CONTENT_LENGTH:-0}")
echo "$line" >> /data/entries
wc -l < /data/entries
`,
}

/** The first process of each container: signals that it has no handler for would pass it by, and httpd has none. */
export const serveScript = `#!/bin/sh
trap 'kill $server; exit 0' TERM
httpd -f -v -p 8080 -h /www &
server=$!
wait $server
`

/**
 * `visit METHOD SERVICE PATH [BODY]` prints the body of the answer. busybox has wget, but Debian's static one dies as it looks names up
 * through the C library; its nslookup and nc do without.
 */
export const visitScript = `#!/bin/sh
address=$(nslookup -type=a "$2.default.svc.cluster.local" | sed -n 's/^Address: //p' | tail -n 1)
[ -n "$address" ] || exit 1
printf '%s %s HTTP/1.0\\r\\nHost: %s\\r\\nContent-Length: %s\\r\\n\\r\\n%s' "$1" "$3" "$2" "\${#4}" "$4" |
  nc -w 3 "$address" 80 | tr -d '\\r' | sed '1,/^$/d'
`

/** The API passes on to the store by name. A body is an entry to add. */
export const apiScript = `#!/bin/sh
${header('text/plain')}
if [ "$REQUEST_METHOD" = POST ]; then
  body=$(head -c "\${CONTENT_LENGTH:-0}")
  visit POST guestbook-store /cgi-bin/add "$body"
else
  visit GET guestbook-store /cgi-bin/list
fi
`

/** The page: entries from the API, and who made it. */
export const webScript = `#!/bin/sh
${header('text/html; charset=utf-8')}
entries=$(visit GET guestbook-api /cgi-bin/entries | sed 's/&/\\&amp;/g; s/</\\&lt;/g; s/^/<li>/; s/$/<\\/li>/')
cat <<PAGE
<!doctype html><title>Guestbook</title>
<body style="font:16px sans-serif;max-width:40em;margin:3em auto;border-top:6px solid $COLOUR;padding-top:1em">
<h1>Guestbook, version $VERSION</h1>
<ul>$entries</ul>
<p><small>served by $(hostname)</small></p>
PAGE
`
