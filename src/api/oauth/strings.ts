/** Every sentence of the pages. Another language is another member of the table. */
interface Strings {
  readonly title: string
  readonly asks: (client: string) => string
  readonly description: string
  readonly credential: string
  readonly count: string
  readonly documents: (count: number) => string
  readonly unnamed: string
  readonly unlisted: string
  readonly hash: string
  readonly expiry: string
  readonly minutes: (count: number) => string
  readonly pin: string
  readonly pinHint: string
  readonly approve: string
  readonly deny: string
  readonly loginTitle: string
  readonly loginAsks: (client: string) => string
  readonly loginCredential: string
  readonly loginCredentialHint: string
  readonly loginSubmit: string
  readonly failed: string
  readonly errors: Readonly<Record<Mistake, string>>
}

/** What can be wrong with what the holder sent, or with the page. */
export type Mistake = 'pin' | 'login' | 'missing' | 'unavailable' | 'gone'

export type Language = 'en' | 'el'

export const strings: Readonly<Record<Language, Strings>> = {
  en: {
    title: 'Approve signing',
    asks: (client) => `${client} asks for signatures in your name.`,
    description: `What it says they are for`,
    credential: 'Your credential',
    count: 'Number of signatures',
    documents: (count) => (count === 1 ? 'The document' : `The ${count} documents`),
    unnamed: 'Document without a name',
    unlisted: 'Which documents is not said. Approve only if you know what they are.',
    hash: 'Hash',
    expiry: 'Your approval ends',
    minutes: (count) => (count === 1 ? '1 minute after you give it' : `${count} minutes after you give it`),
    pin: 'Your PIN',
    pinHint: 'The PIN that you set for this credential.',
    approve: 'Approve',
    deny: 'Deny',
    loginTitle: 'Log in',
    loginAsks: (client) => `${client} asks to see your credentials. This does not let it sign.`,
    loginCredential: 'Number of your credential',
    loginCredentialHint: 'You were shown it when you set your PIN.',
    loginSubmit: 'Log in',
    failed: 'Not done',
    errors: {
      pin: 'The PIN is wrong. After five wrong PINs the credential is locked.',
      login: 'The number or the PIN is wrong. After five wrong PINs a credential is locked.',
      missing: 'Fill in every field.',
      unavailable: 'This cannot be done at the moment. Try again in a minute.',
      gone: 'This page is no longer valid. Go back to the application and start again.',
    },
  },
  el: {
    title: 'Έγκριση υπογραφής',
    asks: (client) => `Η εφαρμογή ${client} ζητά υπογραφές στο όνομά σας.`,
    description: 'Ο σκοπός, όπως τον δηλώνει',
    credential: 'Το διαπιστευτήριό σας',
    count: 'Πλήθος υπογραφών',
    documents: (count) => (count === 1 ? 'Το έγγραφο' : `Τα ${count} έγγραφα`),
    unnamed: 'Έγγραφο χωρίς όνομα',
    unlisted: 'Δεν δηλώνεται για ποια έγγραφα. Εγκρίνετε μόνο αν γνωρίζετε ποια είναι.',
    hash: 'Σύνοψη (hash)',
    expiry: 'Η έγκρισή σας λήγει',
    minutes: (count) => (count === 1 ? '1 λεπτό αφού τη δώσετε' : `${count} λεπτά αφού τη δώσετε`),
    pin: 'Το PIN σας',
    pinHint: 'Το PIN που ορίσατε για αυτό το διαπιστευτήριο.',
    approve: 'Έγκριση',
    deny: 'Άρνηση',
    loginTitle: 'Σύνδεση',
    loginAsks: (client) =>
      `Η εφαρμογή ${client} ζητά να δει τα διαπιστευτήριά σας. Αυτό δεν της επιτρέπει να υπογράφει.`,
    loginCredential: 'Αριθμός του διαπιστευτηρίου σας',
    loginCredentialHint: 'Σας εμφανίστηκε όταν ορίσατε το PIN σας.',
    loginSubmit: 'Σύνδεση',
    failed: 'Δεν ολοκληρώθηκε',
    errors: {
      pin: 'Το PIN είναι λάθος. Μετά από πέντε λάθος PIN το διαπιστευτήριο κλειδώνει.',
      login: 'Ο αριθμός ή το PIN είναι λάθος. Μετά από πέντε λάθος PIN ένα διαπιστευτήριο κλειδώνει.',
      missing: 'Συμπληρώστε όλα τα πεδία.',
      unavailable: 'Αυτή τη στιγμή δεν είναι δυνατό. Δοκιμάστε ξανά σε ένα λεπτό.',
      gone: 'Αυτή η σελίδα δεν ισχύει πλέον. Επιστρέψτε στην εφαρμογή και ξεκινήστε από την αρχή.',
    },
  },
}
