using Lemma.Data;

namespace Lemma.Tests.Data;

/// <summary>Fingerprints of data and mixtures of ids.</summary>
public class FingerprintTests
{
    [Fact]
    public void EqualDataHaveOneFingerprintAndOthersAnother()
    {
        string Hash(params string[] texts)
        {
            DataFingerprint fingerprint = new();
            Assert.Equal(texts.Length, fingerprint.Through(texts.Select(text => new TextDocument("", text))).Count());
            Assert.Equal(texts.Length, fingerprint.Examples);
            return fingerprint.Hash;
        }
        Assert.Equal(Hash("a", "b"), Hash("a", "b"));
        Assert.Equal(5, ((string[])[Hash("a", "b"), Hash("b", "a"), Hash("ab"), Hash("a", "b", ""), Hash()]).Distinct().Count());
        // The same on every machine, for ever: runs of earlier days are compared with it.
        Assert.Equal("9d6679826a02d3761a268a02af1330007c60abba64435f2848bb631c71027286", Hash("a", "b"));
    }

    [Fact]
    public void MixturesHaveTheirShares()
    {
        TokenDataset one = new(Enumerable.Range(0, 30).ToArray()), other = new(Enumerable.Range(100, 10).ToArray());
        TokenDataset mixed = TokenDataset.Mix([(one, 1), (other, 3)], "mixture");
        Assert.Equal(("mixture", 40), (mixed.Name, mixed.Count));
        Assert.Equal([.. Enumerable.Range(0, 10), .. Enumerable.Range(0, 30).Select(i => 100 + i % 10)], mixed.Ids.ToArray());
        Assert.Equal([.. other.Ids, .. other.Ids, .. one.Ids], TokenDataset.Join([other, other, one], "all").Ids.ToArray());
        TokenDataset thirds = TokenDataset.Mix([(one, 1), (other, 1), (one, 1)], "thirds");
        Assert.Equal((70, 23, 24, 23), (thirds.Count, thirds.Ids[..23].ToArray().Count(id => id < 100), thirds.Ids[23..47].ToArray().Count(id => id >= 100),
            thirds.Ids[47..].ToArray().Count(id => id < 100)));
        Assert.Contains("each part needs ids and a weight above 0", Assert.Throws<ArgumentException>(() => TokenDataset.Mix([(one, 0)], "x")).Message, StringComparison.Ordinal);
    }
}
