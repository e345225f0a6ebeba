// Moves the code out of the address into the form, so that it stands in no history, and shows that the button was
// pressed: a second press would only hear that the link was used. Without script the holder pastes the code.
'use strict'
const code = document.getElementById('code')
const form = document.querySelector('form')
const fragment = location.hash.slice(1)
if (fragment !== '') history.replaceState(null, '', location.pathname)
if (code && fragment !== '') code.value = fragment
if (code && code.value !== '') {
  document.getElementById('code-field').hidden = true
  const notice = document.getElementById('notice')
  notice.textContent = notice.dataset.taken
}
document.getElementById('result')?.focus()
form?.addEventListener('submit', () => {
  const button = form.querySelector('button')
  button.disabled = true
  button.textContent = form.dataset.working
})
