import { encode } from 'uqr'
import { html, type Html } from '../http/html.ts'

/** ISO/IEC 18004, 6.3.8: the quiet zone. */
const BORDER = 4

/** Dark on light whatever the page's colours are: readers expect it so. @param label what a screen reader says */
export function qrCode(text: string, label: string): Html {
  const { data: rows, size } = encode(text, { ecc: 'M', border: BORDER })
  const path = rows.map((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')).join(''))
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}">
    <rect width="${size}" height="${size}" fill="#fff" />
    <path fill="#000" shape-rendering="crispEdges" d="${path.join('')}" />
  </svg>`
}
