// When a notice is shown, to whom, and in which language.
import { expect } from 'chai';
import { type Notice, noticesForPhones, noticesNow } from '../../src/domain/notices.ts';
import { shownAt, textFor } from '../../src/protocol/notices.ts';

const notice = (more: Partial<Notice> = {}): Notice => ({
  text: { en: 'Down.' },
  from: 1000,
  until: 2000,
  announce: 100,
  services: [],
  ...more,
});

describe('notices', () => {
  const states = (times: number[]) => times.map((time) => noticesNow([notice()], time)[0]?.state ?? 'nothing');

  it('are announced before their time, active in it, and gone after it, to the second', () => {
    expect(states([899_999, 900_000, 999_999, 1_000_000, 1_999_999, 2_000_000])).to.deep.equal([
      'nothing',
      'announced',
      'announced',
      'active',
      'active',
      'nothing',
    ]);
  });

  it('of a service concern its sign-ins alone', () => {
    const some = [notice({ text: { en: 'all' } }), notice({ text: { en: 'payroll' }, services: ['payroll', 'wiki'] })];
    const seen = (service?: string) => noticesNow(some, 1_500_000, service).map(({ text }) => text['en']);
    expect(seen()).to.deep.equal(['all']);
    expect(seen('shop')).to.deep.equal(['all']);
    expect(seen('wiki')).to.deep.equal(['all', 'payroll']);
  });

  it('speak the language of the reader, the one that it is a kind of, or English', () => {
    const text = { en: 'Down.', de: 'Zu.', 'pt-BR': 'Fora.' };
    const spoken = (language: string) => textFor(text, language);
    expect(spoken('de')).to.deep.equal({ language: 'de', text: 'Zu.' });
    expect(spoken('de-AT')).to.deep.equal({ language: 'de', text: 'Zu.' });
    expect(spoken('pt-BR')).to.deep.equal({ language: 'pt-BR', text: 'Fora.' });
    expect(spoken('pt')).to.deep.equal({ language: 'en', text: 'Down.' });
    expect(spoken('constructor')).to.deep.equal({ language: 'en', text: 'Down.' });
  });

  it('are told to phones from a day before they are shown until they are over, to the second', () => {
    const late = notice({ from: 100_000, until: 101_000 });
    const told = (time: number) => noticesForPhones([late], time).length;
    const firstTold = 100_000 - 100 - 86_400;
    expect(told(firstTold * 1000 - 1)).to.equal(0);
    expect(told(firstTold * 1000)).to.equal(1);
    expect(told(100_999_999)).to.equal(1);
    expect(told(101_000_000)).to.equal(0);
  });

  it('reach phones with the text and the times alone, in order, without those of single services', () => {
    const some = [
      notice({ text: { en: 'b', de: 'B' } }),
      notice({ services: ['wiki'] }),
      notice({ text: { en: 'a' }, announce: 0 }),
    ];
    expect(noticesForPhones(some, 950_000)).to.deep.equal([
      { text: { en: 'b', de: 'B' }, shown: 900, from: 1000, until: 2000 },
      { text: { en: 'a' }, shown: 1000, from: 1000, until: 2000 },
    ]);
  });

  it('are shown by a phone at the very seconds in which the pages show them', () => {
    const told = noticesForPhones([notice()], 0);
    const onPhone = (second: number) => shownAt(told, second).map(({ active }) => (active ? 'active' : 'announced'))[0];
    const times = [0, 899, 900, 999, 1000, 1999, 2000];
    expect(times.map((second) => onPhone(second) ?? 'nothing')).to.deep.equal(states(times.map((time) => time * 1000)));
    expect(onPhone(999)).to.equal('announced');
    expect(onPhone(1000)).to.equal('active');
  });
});
