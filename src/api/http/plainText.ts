/** Text that somebody reads: no control characters, nothing that turns the direction of writing around, no halves of characters. */
export const PLAIN_TEXT = /^[^\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]*$/u
