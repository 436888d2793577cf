using System.Text;

namespace Gristmill.Grains.Triggers;

public sealed class WebhookSignatureTests
{
    // The example of the Standard Webhooks libraries.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const string Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1614265330);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("{\"test\": 2432232314}");

    [Fact]
    public void It_signs_as_the_standard_does() => Assert.Equal(Signature, WebhookSignature.Sign(Secret, Id, Time, Body));

    [Theory]
    [InlineData(Signature, true)]
    [InlineData("v1,AAAA " + Signature, true)]
    [InlineData("v1a,xyz " + Signature, true)]
    [InlineData("v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false)]
    [InlineData("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false)]
    [InlineData("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false)]
    [InlineData("v1,", false)]
    [InlineData("v1,not base 64", false)]
    [InlineData("", false)]
    // Nobody has to check a thousand of them.
    [InlineData("v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a " + Signature, false)]
    public void Only_a_right_signature_is_taken(string header, bool good) => Assert.Equal(good, WebhookSignature.Verify(Secret, Id, Time, Body, header));

    [Fact]
    public void Whatever_is_changed_the_signature_no_longer_fits()
    {
        Assert.False(WebhookSignature.Verify(Secret, Id + "x", Time, Body, Signature));
        Assert.False(WebhookSignature.Verify(Secret, Id, Time.AddSeconds(1), Body, Signature));
        Assert.False(WebhookSignature.Verify(Secret, Id, Time, [.. Body, 32], Signature));
        Assert.False(WebhookSignature.Verify("whsec_AAAA", Id, Time, Body, Signature));
    }
}
