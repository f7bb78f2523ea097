using System.Text.RegularExpressions;
using Lemma.Data;

namespace Lemma.Tests.Data.Stories;

/// <summary>Reads stories sentence by sentence, knowing nothing of the grammar's code, and answers their questions.</summary>
public sealed class StoryAnswersTests
{
    [Fact]
    public void Every_answer_follows_from_the_story()
    {
        HashSet<string> kinds = [];
        foreach (Story story in new StorySource(seed: 11).Range(0, 3000))
        {
            Reader reader = new();
            string[] lines = story.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            foreach (string sentence in (lines[0] + " " + lines[1]).TrimEnd('.').Split(". "))
                reader.Read(sentence);
            for (int i = 2; i < lines.Length; i += 2)
            {
                kinds.Add(string.Join(' ', lines[i].Split(' ').Take(3)));
                Assert.Equal($"{lines[i]} A: {reader.Answer(lines[i])}", $"{lines[i]} {lines[i + 1]}");
            }
        }
        Assert.Superset(new HashSet<string>(
            ["Q: Where is", "Q: Who has", "Q: What does"]), kinds);
    }

    private sealed class Reader
    {
        private readonly Dictionary<string, string> place = [], wish = [], holder = [], lies = [];

        public void Read(string sentence)
        {
            const string Start = "^(?:(?:Then|Soon|Later|Next,|After that,|Meanwhile,|At last|Suddenly) )?(?<who>[A-Z][a-z]+) ";
            if (Try(sentence, "^(?<who>[A-Z][a-z]+), a [a-z]+ [a-z]+ from [A-Z][a-z]+ in a [a-z]+ [a-z]+, was at the (?<where>[a-z]+)$", out Match m))
            {
                place[m.Groups["who"].Value] = m.Groups["where"].Value;
            }
            else if (Try(sentence, "^(?<who>There|[A-Z][a-z]+) (was|had) a [a-z]+ [a-z]+ (?<what>[a-z]+)( at the (?<where>[a-z]+))?$", out m))
            {
                if (m.Groups["where"].Success)
                    lies[m.Groups["what"].Value] = m.Groups["where"].Value;
                else
                    holder[m.Groups["what"].Value] = m.Groups["who"].Value;
            }
            else if (Try(sentence, Start + "(walked|ran|went|hurried|wandered|marched) to the (?<where>[a-z]+)", out m))
            {
                Assert.NotEqual(m.Groups["where"].Value, place[m.Groups["who"].Value]);
                place[m.Groups["who"].Value] = m.Groups["where"].Value;
            }
            else if (Try(sentence, Start + "(traveled|strolled) with (?<whom>[A-Z][a-z]+) to the (?<where>[a-z]+)", out m))
            {
                AssertTogether(m);
                place[m.Groups["who"].Value] = place[m.Groups["whom"].Value] = m.Groups["where"].Value;
            }
            else if (Try(sentence, Start + "(took|found|grabbed|lifted) the (?<what>[a-z]+)", out m))
            {
                Assert.Equal(place[m.Groups["who"].Value], lies[m.Groups["what"].Value]);
                Assert.True(lies.Remove(m.Groups["what"].Value));
                Get(m.Groups["who"].Value, m.Groups["what"].Value);
            }
            else if (Try(sentence, Start + "(gave|handed|passed) the (?<what>[a-z]+) to (?<whom>[A-Z][a-z]+)", out m))
            {
                AssertTogether(m);
                Assert.Equal(m.Groups["who"].Value, holder[m.Groups["what"].Value]);
                Get(m.Groups["whom"].Value, m.Groups["what"].Value);
            }
            else if (Try(sentence, Start + "(dropped|left|lost) the (?<what>[a-z]+)", out m))
            {
                Assert.Equal(m.Groups["who"].Value, holder[m.Groups["what"].Value]);
                Assert.True(holder.Remove(m.Groups["what"].Value));
                lies[m.Groups["what"].Value] = place[m.Groups["who"].Value];
            }
            else if (Try(sentence, Start + "(greeted|thanked|saw|helped) (?<whom>[A-Z][a-z]+)", out m))
                AssertTogether(m);
            else if (Try(sentence, Start + "(wanted|needed) the (?<what>[a-z]+)", out m))
                wish[m.Groups["who"].Value] = m.Groups["what"].Value;
            else
                Assert.Matches(
                    "^It was a|^They knew|were [a-z]+$|sang|laughed|rested|waited|danced|whispered|smiled|yawned|coughed|slept", sentence);
        }

        public string Answer(string question)
        {
            if (Try(question, "Where is (?<who>[A-Z][a-z]+)\\?", out Match m))
                return $"{m.Groups["who"].Value} is at the {place[m.Groups["who"].Value]}.";
            if (Try(question, "Who has the (?<what>[a-z]+)\\?", out m))
                return $"{holder.GetValueOrDefault(m.Groups["what"].Value, "Nobody")} has the {m.Groups["what"].Value}.";
            if (Try(question, "What does (?<who>[A-Z][a-z]+) want\\?", out m))
                return $"{m.Groups["who"].Value} wants the {wish[m.Groups["who"].Value]}.";
            throw new InvalidOperationException(question);
        }

        private void Get(string who, string what)
        {
            holder[what] = who;
            if (wish.GetValueOrDefault(who) == what)
                wish.Remove(who);
        }

        private void AssertTogether(Match m) => Assert.Equal(place[m.Groups["who"].Value], place[m.Groups["whom"].Value]);

        private static bool Try(string text, string pattern, out Match match) => (match = Regex.Match(text, pattern)).Success;
    }
}
