// When a notice is shown, to whom, and in which language.
import { expect } from 'chai';
import { type Notice, noticesNow, textFor } from '../../src/domain/notices.ts';

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
});
