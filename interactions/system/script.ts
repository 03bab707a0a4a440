// Sends the form of a page that passes something on; its button does the same where no script runs.
const form = document.getElementById('op.passOnForm');
if (form instanceof HTMLFormElement) form.submit();
