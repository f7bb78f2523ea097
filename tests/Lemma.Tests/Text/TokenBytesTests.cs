using System.Text;
using Lemma.Tests.Decoding.Constraints;
using Lemma.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;

namespace Lemma.Tests.Text;

public class TokenBytesTests
{
    [Theory]
    [InlineData("gpt2/tokenizer.json")]
    [InlineData("roberta-base/tokenizer.json")]
    [InlineData("llama2/tokenizer.model")]
    [InlineData("llama2/tokenizer.bin")]
    [InlineData("mistral/mistral_instruct_tokenizer_240323.model.v3")]
    [InlineData("t5-small/tokenizer.json")]
    [InlineData("bert-base-uncased/tokenizer.json")]
    [InlineData("tiktoken/cl100k_base.tiktoken")]
    public void TheBytesOfIdsAreThoseOfTheirText(string file)
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip($"data/tokenizers/{file}"));
        Check(tokenizer, 3000);
    }

    [Fact]
    public void TheBytesOfSmallTokenizersAreThoseOfTheirText()
    {
        Check(ConstraintTokenizers.ByteLevel, 2000);
        Check(ConstraintTokenizers.Fallback, 2000);
        Assert.Equal([0xC3], ConstraintTokenizers.Fallback.BytesOf(0xC3));
        Assert.Equal([0xC3], ConstraintTokenizers.ByteLevel.BytesOf(0xC3));
        Assert.Empty(ConstraintTokenizers.ByteLevel.BytesOf(ConstraintTokenizers.End));
        Assert.Empty(ConstraintTokenizers.ByteLevel.BytesOf(1_000_000));
        Assert.Equal(" yes"u8.ToArray(), ConstraintTokenizers.Fallback.BytesOf(ConstraintTokenizers.Fallback.IdOf("\u2581yes")!.Value));
        Assert.Equal("yes"u8.ToArray(), ConstraintTokenizers.Fallback.BytesOf(ConstraintTokenizers.Fallback.IdOf("\u2581yes")!.Value, startsText: true));
    }

    [Fact]
    public void WhatDependsOnTheNextIdIsRefused()
    {
        Tokenizer suffixed = new(new BpeModel(new Vocabulary(["a</w>"]), []), decoder: new SuffixDecoder());
        Assert.Contains("SuffixDecoder", Assert.Throws<NotSupportedException>(() => suffixed.BytesOf(0)).Message, StringComparison.Ordinal);
    }

    // Runs of ids whose bytes together are UTF-8 have the text of these bytes, at the start of a text and behind another.
    private static void Check(Tokenizer tokenizer, int runs)
    {
        Random random = new(3);
        int compared = 0;
        for (int run = 0; run < runs; run++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(tokenizer.VocabularySize))];
            List<byte> bytes = [];
            foreach (int id in ids)
                bytes.AddRange(tokenizer.BytesOf(id, startsText: bytes.Count == 0 && Array.TrueForAll(ids[..Array.IndexOf(ids, id)], one => tokenizer.IsSpecial(one))));
            byte[] all = [.. bytes];
            if (!System.Text.Unicode.Utf8.IsValid(all))
                continue;
            Assert.Equal(tokenizer.Decode(ids), Encoding.UTF8.GetString(all));
            compared++;
        }
        Assert.True(compared > runs / 4);
    }
}
