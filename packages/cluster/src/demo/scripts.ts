// The three tiers as CGI scripts of busybox httpd. Each finds the next by its Service's DNS name.

const header = (type: string): string => `echo "Content-Type: ${type}"; echo; `

/** The store keeps lines in a file of its volume: `add` appends the request's body, `list` prints all. */
export const storeScripts: Readonly<Record<string, string>> = {
  list: `#!/bin/sh
${header('text/plain')}cat /data/entries 2>/dev/null || true
`,
  add: `#!/bin/sh
${header('text/plain')}
line=$(head -c "\${CONTENT_LENGTH:-0}")
echo "$line" >> /data/entries
wc -l < /data/entries
`,
}

/** The API passes on to the store by name. A body is an entry to add. */
export const apiScript = `#!/bin/sh
${header('text/plain')}
if [ "$REQUEST_METHOD" = POST ]; then
  body=$(head -c "\${CONTENT_LENGTH:-0}")
  wget -q -T 3 -O - --post-data "$body" http://guestbook-store/cgi-bin/add
else
  wget -q -T 3 -O - http://guestbook-store/cgi-bin/list
fi
`

/** The page: entries from the API, and who made it. */
export const webScript = `#!/bin/sh
${header('text/html; charset=utf-8')}
entries=$(wget -q -T 3 -O - http://guestbook-api/cgi-bin/entries | sed 's/&/\\&amp;/g; s/</\\&lt;/g; s/^/<li>/; s/$/<\\/li>/')
cat <<PAGE
<!doctype html><title>Guestbook</title>
<body style="font:16px sans-serif;max-width:40em;margin:3em auto;border-top:6px solid $COLOUR;padding-top:1em">
<h1>Guestbook, version $VERSION</h1>
<ul>$entries</ul>
<p><small>served by $(hostname)</small></p>
PAGE
`
