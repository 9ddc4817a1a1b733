/* A deck of questions, and rounds that ask them: missed ones first, then in random order. */
(function () {
  'use strict';

  const { el, button, toast, plural, sum } = window.UI;
  const store = window.Store;
  const misses = (record) => (record.wrong || 0) - (record.right || 0);

  function shuffled(records) {
    const deck = records.map((record) => ({ record: record, key: Math.random() }));
    deck.sort((a, b) => misses(b.record) - misses(a.record) || a.key - b.key);
    return deck.map((entry) => entry.record.id);
  }

  function panel() {
    const node = el('section', { class: 'card center', 'aria-label': 'Quiz round', id: 'round' });
    let queue = null;
    let at = 0;
    let right = 0;
    let revealed = false;

    function begin() {
      queue = shuffled(store.all());
      at = 0;
      right = 0;
      revealed = false;
      draw();
    }

    function judge(record, known) {
      const asked = queue.length;
      right += known ? 1 : 0;
      at += 1;
      revealed = false;
      if (at === asked) {
        queue = null;
        toast('Round over: ' + right + ' of ' + asked);
        store.setting('bestRound', Math.max(store.setting('bestRound') || 0, Math.round((right / asked) * 100)));
      }
      store.update(record.id, known ? { right: (record.right || 0) + 1 } : { wrong: (record.wrong || 0) + 1 });
    }

    function question(record) {
      return [
        el('p', { class: 'meta', text: 'Question ' + (at + 1) + ' of ' + queue.length + ' · ' + right + ' right' }),
        el('p', { class: 'question', text: record.title }),
        revealed ? el('p', { class: 'answer', id: 'round-answer', text: record.answer }) : null,
        el('div', { class: 'actions' }, revealed ? [
          button('I knew it', () => judge(record, true), { class: 'primary', id: 'knew' }),
          button('Not yet', () => judge(record, false), { class: 'ghost', id: 'missed' }),
        ] : [button('Show answer', () => { revealed = true; draw(); }, { class: 'primary', id: 'reveal' })]),
      ];
    }

    function draw() {
      while (queue && at < queue.length && !store.find(queue[at])) {
        queue.splice(at, 1);
      }
      if (queue && at >= queue.length) {
        queue = null;
      }
      const count = store.all().length;
      node.replaceChildren(...(queue ? question(store.find(queue[at])) : [
        el('h2', { text: 'Ready for a round?' }),
        el('p', { class: 'meta', style: 'justify-content:center', text: count ? plural(count, 'question', 'questions') + ' in the deck' : 'Add a question first.' }),
        el('div', { class: 'actions' }, [button('Start round', begin, { class: 'primary', id: 'begin', disabled: count === 0 })]),
      ]).filter(Boolean));
    }

    return { node: node, update: draw };
  }

  window.Features.quiz = {
    panel: panel,
    fields: [
      { name: 'title', label: 'Question', type: 'text', required: true, max: 300, wide: true },
      { name: 'answer', label: 'Answer', type: 'text', max: 500, wide: true },
    ],
    check: (values) => (values.answer ? '' : 'Every question needs an answer.'),
    create: (values, old) => Object.assign({ right: 0, wrong: 0 }, old, values),
    filters: [
      ['hard', 'Often missed', (record) => misses(record) > 0],
      ['fresh', 'Never asked', (record) => !record.right && !record.wrong],
    ],
    sorts: [['hardest', 'Hardest first', (a, b) => misses(b) - misses(a) || a.id - b.id]],
    row: (record) => ({
      aside: el('span', { class: 'chip', text: (record.right || 0) + ' right · ' + (record.wrong || 0) + ' wrong' }),
      body: [el('details', {}, [el('summary', { text: 'Answer' }), el('p', { class: 'answer', text: record.answer })])],
    }),
    stats(records) {
      const right = sum(records, (record) => record.right);
      const asked = right + sum(records, (record) => record.wrong);
      return [
        { label: 'in the deck', value: records.length },
        { label: 'answered right', value: asked ? Math.round((right / asked) * 100) + '%' : '–' },
        { label: 'best round', value: store.setting('bestRound') ? store.setting('bestRound') + '%' : '–' },
      ];
    },
  };
}());
