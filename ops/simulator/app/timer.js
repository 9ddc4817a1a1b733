/* A countdown over the list: pick one, start, and the finished round is counted where it belongs. */
(function () {
  'use strict';

  const { el, button, day, toast, plural, sum } = window.UI;
  const store = window.Store;
  const DEFAULT_MINUTES = 25;
  const minutesOf = (record) => Math.min(600, Math.max(1, Number(record && record.minutes) || DEFAULT_MINUTES));
  const roundsToday = (record) => (record.roundDay === day(0) ? record.roundsToday || 0 : 0);

  function face(milliseconds) {
    const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
    return String(Math.floor(seconds / 60)).padStart(2, '0') + ':' + String(seconds % 60).padStart(2, '0');
  }

  function panel() {
    const clock = el('div', { class: 'clock', role: 'timer', id: 'clock' });
    const choice = el('select', { id: 'clock-choice', 'aria-label': 'What the countdown is for' });
    const start = button('Start', () => (endsAt ? pause() : run()), { class: 'primary', id: 'clock-start' });
    const node = el('section', { class: 'card center', 'aria-label': 'Countdown' }, [
      choice, clock, el('div', { class: 'actions' }, [start, button('Reset', () => reset(), { class: 'ghost', id: 'clock-reset' })]),
    ]);
    let endsAt = 0;
    let left = DEFAULT_MINUTES * 60000;
    let ticker = 0;

    const chosen = () => store.find(Number(choice.value));

    function show() {
      clock.textContent = face(endsAt ? endsAt - Date.now() : left);
      start.textContent = endsAt ? 'Pause' : 'Start';
    }

    function stopTicking() {
      window.clearInterval(ticker);
      endsAt = 0;
    }

    function finish() {
      const record = chosen();
      const minutes = minutesOf(record);
      stopTicking();
      left = minutes * 60000;
      if (record) {
        store.update(record.id, {
          rounds: (record.rounds || 0) + 1, spent: (record.spent || 0) + minutes,
          roundsToday: roundsToday(record) + 1, roundDay: day(0),
        });
      }
      toast('Time is up' + (record ? ': ' + record.title : '') + '. Well done!');
      show();
    }

    function run() {
      endsAt = Date.now() + left;
      ticker = window.setInterval(() => (Date.now() >= endsAt ? finish() : show()), 250);
      show();
    }

    function pause() {
      left = Math.max(0, endsAt - Date.now());
      stopTicking();
      show();
    }

    function reset() {
      stopTicking();
      left = minutesOf(chosen()) * 60000;
      show();
    }

    choice.addEventListener('input', reset);
    return {
      node: node,
      update(records) {
        const before = choice.value;
        choice.replaceChildren(...(records.length ? [] : [el('option', { value: '', text: DEFAULT_MINUTES + ' minutes' })]),
          ...records.map((record) => el('option', { value: record.id, text: record.title + ' · ' + plural(minutesOf(record), 'minute', 'minutes') })));
        choice.value = records.some((record) => String(record.id) === before) ? before : choice.options[0].value;
        if (choice.value !== before && !endsAt) {
          reset();
        }
        show();
      },
    };
  }

  window.Features.timer = {
    panel: panel,
    fields: [
      { name: 'title', label: 'What is it for?', type: 'text', required: true, max: 80, placeholder: 'For example: chapter three' },
      { name: 'minutes', label: 'Minutes', type: 'number', min: 1, step: 1, value: DEFAULT_MINUTES },
    ],
    check: (values) => (values.minutes >= 1 && values.minutes <= 600 ? '' : 'Minutes must be between 1 and 600.'),
    create: (values, old) => Object.assign({ rounds: 0, spent: 0 }, old, values),
    sorts: [['rounds', 'Most rounds', (a, b) => (b.rounds || 0) - (a.rounds || 0) || a.id - b.id]],
    row: (record) => ({
      aside: el('span', { class: 'chip', text: plural(minutesOf(record), 'minute', 'minutes') }),
      body: [el('div', { class: 'meta' }, [
        el('span', { text: plural(record.rounds || 0, 'round', 'rounds') + ' completed' }),
        el('span', { text: '· ' + plural(record.spent || 0, 'minute', 'minutes') + ' in all' }),
      ])],
    }),
    stats: (records) => [
      { label: 'rounds today', value: sum(records, roundsToday) },
      { label: 'rounds in all', value: sum(records, (record) => record.rounds) },
      { label: 'minutes in all', value: sum(records, (record) => record.spent) },
    ],
  };
}());
