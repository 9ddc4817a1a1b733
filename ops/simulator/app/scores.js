/* Points per player, a ranking, undo, and rounds that remember their winner. */
(function () {
  'use strict';

  const { el, button, toast, plural, sum } = window.UI;
  const store = window.Store;
  const KEEP = 50;
  const best = (records) => records.reduce((most, record) => Math.max(most, record.score), -Infinity);
  const leaders = (records) => records.filter((record) => record.score === best(records) && records.some((other) => other.score !== 0));

  function give(record, points) {
    store.update(record.id, { score: record.score + points, history: record.history.concat(points).slice(-KEEP) });
  }

  function undo(record) {
    const last = record.history[record.history.length - 1];
    if (last !== undefined) {
      store.update(record.id, { score: record.score - last, history: record.history.slice(0, -1) });
    }
  }

  function newRound() {
    const won = leaders(store.all()).map((record) => record.id);
    store.all().forEach((record) => store.update(record.id, {
      score: 0, history: [], wins: (record.wins || 0) + (won.includes(record.id) ? 1 : 0),
    }));
    store.setting('rounds', (store.setting('rounds') || 0) + 1);
    toast('A new round begins');
  }

  function panel() {
    const text = el('p', { class: 'question', id: 'leader' });
    const node = el('section', { class: 'card center', 'aria-label': 'Ranking' }, [
      text, el('div', { class: 'actions' }, [button('New round', newRound, { class: 'primary', id: 'new-round' })]),
    ]);
    return {
      node: node,
      update(records) {
        const ahead = leaders(records).map((record) => record.title);
        text.textContent = ahead.length ? ahead.join(' and ') + (ahead.length > 1 ? ' lead with ' : ' leads with ') + best(records)
          : 'Nobody leads yet';
      },
    };
  }

  window.Features.scores = {
    panel: panel,
    fields: [{ name: 'title', label: 'Name', type: 'text', required: true, max: 60, wide: true, placeholder: 'Who plays?' }],
    create: (values, old) => Object.assign({ score: 0, history: [], wins: 0 }, old, values),
    sorts: [['rank', 'Ranking', (a, b) => b.score - a.score || a.id - b.id]],
    row(record) {
      const rank = store.all().filter((other) => other.score > record.score).length + 1;
      const step = (points) => button((points > 0 ? '+' : '−') + Math.abs(points), () => give(record, points), {
        'aria-label': (points > 0 ? 'Give ' : 'Take ') + plural(Math.abs(points), 'point', 'points') + ' ' + (points > 0 ? 'to ' : 'from ') + record.title,
      });
      return {
        lead: el('span', { class: 'chip', text: '#' + rank }),
        aside: el('span', { class: 'big score', text: String(record.score) }),
        body: [el('div', { class: 'meta' }, [
          step(1), step(5), step(10), step(-1),
          button('Undo', () => undo(record), { disabled: record.history.length === 0, 'aria-label': 'Undo the last change for ' + record.title }),
          el('span', { text: plural(record.wins || 0, 'round', 'rounds') + ' won' }),
        ])],
      };
    },
    stats: (records) => [
      { label: 'taking part', value: records.length },
      { label: 'points in play', value: sum(records, (record) => record.score) },
      { label: 'rounds finished', value: store.setting('rounds') || 0 },
    ],
  };
}());
