using System.Globalization;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>The lines of an ARPA file.</summary>
internal sealed class ArpaWriter(StreamWriter writer, NGramModel model, IReadOnlyList<string> words)
{
    private readonly string[] path = new string[NGramCounts.MostOrder];

    public void Write()
    {
        // A mark that begins and ends has two lines.
        bool isTwice = model.Marks.Begin is not null && model.Marks.Begin == model.Marks.End;
        writer.WriteLine("\\data\\");
        for (int k = 1; k <= model.Order; k++)
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ngram {k}={model.Levels[k - 1].Count + (isTwice && k == 1 ? 1 : 0)}"));
        for (int k = 1; k <= model.Order; k++)
        {
            writer.WriteLine();
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\\{k}-grams:"));
            for (int id = 0; id < model.VocabularySize; id++)
                Descend(0, id, k, isTwice);
        }
        writer.WriteLine();
        writer.WriteLine("\\end\\");
    }

    private void Descend(int level, int node, int order, bool isTwice)
    {
        int id = model.Levels[level].Words[node];
        bool begins = level == 0 && id == model.Marks.Begin;
        if (level + 1 == order)
        {
            if (begins)
                Line(level, node, ArpaFile.Begin, 0);
            if (!begins || isTwice)
                Line(level, node, id == model.Marks.End ? ArpaFile.End : words[id], model.Probabilities[level][node], isTwice && begins);
            return;
        }
        path[level] = begins ? ArpaFile.Begin : id == model.Marks.End ? ArpaFile.End : words[id];
        (int first, int end) = model.Levels[level].Children(node);
        for (int child = first; child < end; child++)
            Descend(level + 1, child, order, isTwice);
    }

    private void Line(int level, int node, string word, double p, bool isWithoutFactor = false)
    {
        writer.Write(ArpaFile.Log(p).ToString("G10", CultureInfo.InvariantCulture));
        writer.Write('\t');
        for (int i = 0; i < level; i++)
        {
            writer.Write(path[i]);
            writer.Write(' ');
        }
        writer.Write(word);
        if (level + 1 < model.Order)
        {
            writer.Write('\t');
            writer.Write((isWithoutFactor ? 0 : ArpaFile.Log(model.Backoffs[level][node])).ToString("G10", CultureInfo.InvariantCulture));
        }
        writer.WriteLine();
    }
}
